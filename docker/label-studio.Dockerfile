# Label Studio at the version that twinread is tested with, from its lock; the official image can stand in.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
RUN python -m venv /opt/label-studio
ENV PATH=/opt/label-studio/bin:$PATH
COPY locks/label-studio.txt /build/label-studio.txt
RUN --mount=type=cache,target=/root/.cache/pip pip install --no-deps --require-hashes --only-binary :all: -r /build/label-studio.txt

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --user-group --home-dir /label-studio --shell /usr/sbin/nologin label-studio \
    && install --directory --owner=label-studio --group=label-studio /label-studio /label-studio/data
COPY --from=build /opt/label-studio /opt/label-studio
ENV PATH=/opt/label-studio/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/label-studio/data \
    LABEL_STUDIO_BASE_DATA_DIR=/label-studio/data
USER label-studio
WORKDIR /label-studio/data
VOLUME ["/label-studio/data"]
EXPOSE 8080
# A fresh database takes a minute or two of migrations.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5m --retries=3 CMD ["python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=4)"]
CMD ["label-studio", "start", "--no-browser", "--port", "8080"]
