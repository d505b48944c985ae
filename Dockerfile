# twinread's backend for machines without a GPU; `Dockerfile.gpu` is the same with Paddle's own engine.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
RUN python -m venv /opt/twinread && python -m venv /build/tools
ENV PATH=/opt/twinread/bin:$PATH
# The lock is whole: with --no-deps nothing can bring a second cv2 wheel in. Each file is checked by its hash, and
# no source is built, because what a build fetches has none.
COPY locks/twinread.txt /build/locks/twinread.txt
RUN --mount=type=cache,target=/root/.cache/pip pip install --no-deps --require-hashes --only-binary :all: -r /build/locks/twinread.txt
COPY docker/one_cv2.py /build/docker/one_cv2.py
RUN python /build/docker/one_cv2.py
# What builds our package comes from a lock, too; without isolation nothing is fetched for the build.
COPY locks/build.txt /build/locks/build.txt
RUN --mount=type=cache,target=/root/.cache/pip /build/tools/bin/pip install --no-deps --require-hashes --only-binary :all: -r /build/locks/build.txt
COPY pyproject.toml README.md LICENSE /build/
COPY backend /build/backend
COPY converters /build/converters
RUN --mount=type=cache,target=/root/.cache/pip /build/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels /build

FROM ${PYTHON_IMAGE}
# Tesseract's language data, as Debian names it: "eng rus ukr chi-sim".
ARG TESSERACT_LANGUAGES="eng rus"
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 libgomp1 fonts-dejavu-core \
        $(printf 'tesseract-ocr-%s ' ${TESSERACT_LANGUAGES}) \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /models --shell /usr/sbin/nologin twinread \
    && install --directory --owner=twinread --group=twinread /models /readings /work
# Dependencies and twinread in a layer each: a change of code moves megabytes, not the whole environment.
# A dependency that the lock lacks stops the build here.
COPY --from=build /opt/twinread /opt/twinread
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    /opt/twinread/bin/pip install --no-deps --no-cache-dir /wheels/*.whl \
    && ! /opt/twinread/bin/pip check | grep '^twinread '
COPY docker/healthy.py /opt/healthy.py
# All that is written goes to two volumes and /tmp, so that the rest may be read-only.
ENV PATH=/opt/twinread/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/models \
    XDG_CACHE_HOME=/models/cache \
    PADDLE_PDX_CACHE_HOME=/models/paddlex \
    STORE_URL=sqlite:////readings/readings.sqlite3
USER twinread
WORKDIR /work
VOLUME ["/models", "/readings"]
EXPOSE 9090
# One check lasts as long as the models take to load, at the first start with their download.
HEALTHCHECK --interval=10s --timeout=30m --retries=3 CMD ["python", "/opt/healthy.py"]
ENTRYPOINT ["twinread"]
CMD ["serve", "--host", "0.0.0.0", "--port", "9090"]
