#!/usr/bin/env bash
# Runs the job here as Glue would: its Python, Spark, Delta and preinstalled packages, the wheelhouse installed without an index,
# and its style of arguments. glue/rehearse.sh 6.0|5.1 PYTHON ROOT [ARGUMENTS…]
# The environment is kept in .venv-glue-VERSION.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
glue="$1" python="$2" root="$3"
shift 3
case "$glue" in
  6.0) spark=4.1.1 jars="$here/../.jars" ;;
  5.1) spark=3.5.6 jars="$here/../.jars-3.5" ;;
esac
environment="$here/../.venv-glue-$glue"
wheels="$environment/wheels"
if [ ! -f "$environment/.ready" ]; then
  "$python" -m venv "$environment"
  "$environment/bin/pip" install -q --disable-pip-version-check setuptools wheel
  "$environment/bin/pip" install -q --disable-pip-version-check --no-build-isolation "pyspark==$spark" -r "$here/constraints-$glue.txt"
  touch "$environment/.ready"
fi
rm -rf "$wheels" && mkdir -p "$wheels"
"$python" -m zipfile -e "$here/../dist/lakehouse-glue-$glue.gluewheels.zip" "$wheels"
"$environment/bin/pip" freeze -q >"$wheels/before.txt"
"$environment/bin/pip" install -q --disable-pip-version-check --no-index --find-links "$wheels/wheels" --force-reinstall --no-deps "$wheels"/wheels/lakehouse_loader-*.whl
"$environment/bin/pip" install -q --disable-pip-version-check --no-index --find-links "$wheels/wheels" "lakehouse-loader[docs]"
for name in pyspark boto3 numpy pandas pyarrow; do
  "$environment/bin/pip" freeze -q | grep -ix "$(grep -i "^$name==" "$wheels/before.txt")" >/dev/null || { echo "$name was replaced" >&2; exit 1; }
done
export SPARK_HOME="$("$environment/bin/python" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')"
export PYSPARK_PYTHON="$environment/bin/python" PYSPARK_DRIVER_PYTHON="$environment/bin/python"
exec "$SPARK_HOME/bin/spark-submit" --master "local[2]" --driver-memory 3g --jars "$(ls "$jars"/*.jar | paste -sd,)" \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  "$here/lakehouse_job.py" --JOB_NAME lakehouse --JOB_ID j_1 --JOB_RUN_ID jr_1 --TempDir "file:///tmp/" \
  --job-bookmark-option job-bookmark-disable --additional-python-modules "s3://artifacts/lakehouse-glue-$glue.gluewheels.zip" \
  --python-modules-installer-option --no-index --datalake-formats delta --enable-metrics --enable-glue-datacatalog true \
  --root "$root" "$@"
