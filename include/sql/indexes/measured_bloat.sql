-- A leaf is filled to nine tenths when an index is made.
select greatest(0, 1 - avg_leaf_density / 90) from {schema}.pgstatindex(%(index_name)s::regclass);
