# The image of every Airflow component: Airflow with the platform's packages, DAGs and code, and the built page.
# Pin both images to a digest as well: it could not be looked up where this was written.

FROM node:22.22.0-bookworm-slim AS page
WORKDIR /build/dashboard/page
COPY plugins/echotune/dashboard/page/package.json plugins/echotune/dashboard/page/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY plugins/echotune/dashboard/page/ ./
# Into /build/dashboard/static.
RUN npm run build

FROM apache/airflow:3.3.2-python3.11
# Also for processes that start before Airflow has read where its plugins are.
ENV PYTHONPATH=/opt/airflow/plugins
# What a person who starts a run may have read and written: not the whole container.
ENV ECHOTUNE_FOLDERS=/opt/airflow/include/data:/opt/airflow/archive:/opt/airflow/ml_features
COPY requirements.txt /requirements.txt
RUN pip install --no-cache-dir --requirement /requirements.txt
# A new volume takes its owner from the image.
RUN mkdir -p /opt/airflow/archive /opt/airflow/ml_features /opt/airflow/include/data /opt/airflow/include/certificates
COPY --chown=airflow:root dags/ /opt/airflow/dags/
COPY --chown=airflow:root include/ /opt/airflow/include/
COPY --chown=airflow:root plugins/ /opt/airflow/plugins/
COPY --from=page --chown=airflow:root /build/dashboard/static/ /opt/airflow/plugins/echotune/dashboard/static/
USER airflow
