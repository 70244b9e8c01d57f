# The base images are pinned by digest, so that the same sources make the same image. A newer one is
# a change of these two lines.
#
# The modules are a layer of their own: they change less often than the sources.
FROM golang:1.26.8-bookworm@sha256:a688600ca24f8a4d3ca77f95b0dd40704a9fc787c826660eb7ba0b641b8b175d AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN go build -tags goolm -trimpath -ldflags '-s -w' -o /broadcastbot ./cmd/broadcastbot

# The program needs libc only. ffmpeg lets file: read every format; microphones
# come through a PulseAudio socket, see README.md.
FROM debian:bookworm-slim@sha256:3783cc01769c7b2b1b83a5c5ad96c815348e28ed7da68e2e3687004faa906251
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates ffmpeg libpulse0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin broadcastbot \
 && install -d -m 700 -o broadcastbot /key
COPY --from=build /broadcastbot /usr/local/bin/broadcastbot
USER broadcastbot
WORKDIR /data
VOLUME /data /key
EXPOSE 8008
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["broadcastbot", "health", "-config", "/data/config.yaml"]
ENTRYPOINT ["broadcastbot"]
CMD ["run", "-config", "/data/config.yaml"]
