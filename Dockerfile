# The site's image: web, worker, beat and migrations are the same image with different commands.

FROM node:24-slim AS frontend
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM python:3.13-slim AS packages
COPY requirements.txt .
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

FROM python:3.13-slim
# What reports as PDF need (docs/decisions/0009); the site runs without it.
RUN apt-get update && apt-get install -y --no-install-recommends \
        libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=parking_share.settings
WORKDIR /site
COPY --from=packages /venv /venv
COPY . .
COPY --from=frontend /build/node_modules node_modules
# Settings refuse to start without these; the values below exist in this one command only.
RUN python -m scripts.translations compile \
    && DEPLOYMENT=production SECRET_KEY=only-while-building-only-while-building-only-while-building \
       PLATE_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ALLOWED_HOSTS=localhost \
       DATABASE_URL=postgres://nobody@localhost/none REDIS_URL=redis://localhost/0 \
       python manage.py collectstatic --noinput \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin site
USER 10001
EXPOSE 8000
CMD ["gunicorn", "parking_share.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", \
     "--workers", "2", "--threads", "4", "--access-logfile", "-", "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
