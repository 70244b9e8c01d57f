# The modules are a layer of their own: they change less often than the sources.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN go build -tags goolm -trimpath -ldflags '-s -w' -o /broadcastbot ./cmd/broadcastbot

# The program needs libc only. ffmpeg lets file: read every format; microphones
# come through a PulseAudio socket, see README.md.
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates ffmpeg libpulse0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin broadcastbot
COPY --from=build /broadcastbot /usr/local/bin/broadcastbot
USER broadcastbot
WORKDIR /data
VOLUME /data
EXPOSE 8008
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["broadcastbot", "health", "-config", "/data/config.yaml"]
ENTRYPOINT ["broadcastbot"]
CMD ["run", "-config", "/data/config.yaml"]
