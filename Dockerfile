# The product on Airflow's own image: the locked, hashed packages, the DAGs, the plugins and the libraries.
FROM apache/airflow:3.3.2-python3.12

ENV PROJECT=/opt/orcid-sync \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/orcid-sync/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/orcid-sync/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    GX_ANALYTICS_ENABLED=false

# Apart from the code, so that a change of the code doesn't install everything again.
COPY --chown=airflow:root requirements.txt ${PROJECT}/
RUN pip install --no-cache-dir --require-hashes -r ${PROJECT}/requirements.txt

COPY --chown=airflow:root pyproject.toml requirements.in ${PROJECT}/
COPY --chown=airflow:root include ${PROJECT}/include
COPY --chown=airflow:root dags ${PROJECT}/dags
COPY --chown=airflow:root plugins ${PROJECT}/plugins
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable ${PROJECT}

# Volumes take over the owner of the folder that they are mounted on.
RUN mkdir -p /opt/airflow/data_docs /opt/airflow/registry

# Airflow's image runs as this user already; said here so that it stays so. Every task's files go to its home.
USER airflow
WORKDIR /opt/airflow
