# One image for every role: `docker run heatline worker`, `… projector`, `… board`, `… topics apply`.
FROM python:3.13-slim-bookworm AS build
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY pyproject.toml LICENSE ./
COPY engine engine
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-build-isolation --no-deps --editable . \
 && python -m compileall -q .venv engine
COPY topics topics
COPY config config

FROM python:3.13-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin heatline \
 && install -d -o heatline -g heatline /data
COPY --from=build /app /app
WORKDIR /app
# Nothing below /app is written: the root file system may be read-only. A worker keeps nothing that it cannot read
# again from Kafka, so /data may be a tmpfs.
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HEATLINE_PATHS_DATA_DIR=/data
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9464/livez', timeout=4)"]
ENTRYPOINT ["heatline"]
CMD ["worker"]
