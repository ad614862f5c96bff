# XInstruct's workers and commands. Targets: cpu (default) and cuda.
#   docker build --target cpu --build-arg REVISION=$(git rev-parse HEAD) -t xinstruct:cpu .
# The build stages run the launcher, which sets up a bare Debian exactly as it does on a machine; see docs/cluster.md.

FROM debian:12.11-slim AS setup
ARG DOTNET_SDK=10.0.100
# Part of the version that the audit trail names; .git is not copied in.
ARG REVISION=unknown
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 SourceRevisionId=$REVISION
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl libicu72 procps util-linux \
 && curl -sSL https://dot.net/v1/dotnet-install.sh -o /tmp/dotnet-install.sh \
 && bash /tmp/dotnet-install.sh --version "$DOTNET_SDK" --install-dir /usr/share/dotnet
WORKDIR /src
COPY . .

FROM setup AS build-cpu
RUN XINSTRUCT_DEVICE=cpu ./xinstruct --version

FROM setup AS build-cuda
# The folder of a libtorch with CUDA inside the build context, where the feed lacks TorchSharp-cuda-linux.
ARG LIBTORCH=
RUN XINSTRUCT_DEVICE=cuda LIBTORCH="$LIBTORCH" ./xinstruct --version

FROM nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04 AS cuda
COPY --from=build-cuda /src/eng/container /usr/local/sbin/xinstruct-setup
COPY --from=build-cuda /usr/share/dotnet/dotnet /usr/share/dotnet/dotnet
COPY --from=build-cuda /usr/share/dotnet/host /usr/share/dotnet/host
COPY --from=build-cuda /usr/share/dotnet/shared /usr/share/dotnet/shared
COPY --from=build-cuda /src/src/Cli/bin/Release/net10.0 /opt/xinstruct/app
COPY samples /opt/xinstruct/samples
RUN xinstruct-setup
ENV XINSTRUCT_HOME=/data NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
WORKDIR /work
VOLUME /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["xinstruct"]
CMD ["worker"]

FROM debian:12.11-slim AS cpu
COPY --from=build-cpu /src/eng/container /usr/local/sbin/xinstruct-setup
COPY --from=build-cpu /usr/share/dotnet/dotnet /usr/share/dotnet/dotnet
COPY --from=build-cpu /usr/share/dotnet/host /usr/share/dotnet/host
COPY --from=build-cpu /usr/share/dotnet/shared /usr/share/dotnet/shared
COPY --from=build-cpu /src/src/Cli/bin/Release/net10.0 /opt/xinstruct/app
COPY samples /opt/xinstruct/samples
RUN xinstruct-setup
ENV XINSTRUCT_HOME=/data
USER 10001:10001
WORKDIR /work
VOLUME /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["xinstruct"]
CMD ["worker"]
