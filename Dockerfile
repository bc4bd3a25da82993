# syntax=docker/dockerfile:1
# One image for all parts. Its default command runs everything in one container; docker-compose.yml takes it apart.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements.txt constraints.txt ./
RUN python -m venv /opt/lettershop \
 && /opt/lettershop/bin/pip install -r requirements.txt -c constraints.txt \
 && /opt/lettershop/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim
RUN groupadd --gid 10001 lettershop \
 && useradd --uid 10001 --gid lettershop --home-dir /data --shell /usr/sbin/nologin lettershop \
 && install --directory --owner lettershop --group lettershop --mode 0700 /data
COPY --from=build /opt/lettershop /opt/lettershop
WORKDIR /app
COPY . .
# platform/ is a source folder, not a package: docs/adr/0001-platform-folder.md
ENV PATH=/opt/lettershop/bin:$PATH \
    PYTHONPATH=/app:/app/platform \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    LETTERSHOP_DATA=/data
RUN python -m compileall -q /app/platform /app/tenants /app/contacts /app/deliverability /app/outbound /app/campaigns /app/api
USER lettershop
VOLUME /data
EXPOSE 8000 2525
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=90s --retries=4 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0", "--bounce-port", "2525"]
