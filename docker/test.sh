#!/usr/bin/env bash
# Builds the image's last stage from the local release build, without a daemon and without a registry: buildah on a Debian that debootstrap made.
# Then runs it as docker would: read-only root, its own user, a volume; asks it for an answer; stops it with SIGTERM. Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=CI,PATH "$0" "$@"

.ci/need "to build the image" buildah debootstrap iproute2 binutils curl
work=$PWD/.image
mkdir -p "$work"
bud() { buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" "$@"; }

docker/stage "${BINARY:-.build/release/sluice}" "$work/stage/stage"

# The base is kept: it only changes when Debian does.
if ! bud inspect --type image sluice-base >/dev/null 2>&1; then
    [ -f "$work/base/etc/debian_version" ] || debootstrap --variant=minbase bookworm "$work/base" >"$work/debootstrap.log"
    from=$(bud from scratch)
    bud add --quiet "$from" "$work/base" / >/dev/null
    bud commit --quiet "$from" sluice-base >/dev/null
    bud rm "$from" >/dev/null
fi
bud bud --quiet --format docker --isolation chroot --target sluice --build-arg BASE=localhost/sluice-base --build-context "build=$work/stage" \
    -f docker/Dockerfile -t sluice . >/dev/null

fail() { echo "docker/test.sh: $1" >&2; exit 1; }
settings=$(bud inspect --type image --format '{{.OCIv1.Config.User}} {{.OCIv1.Config.StopSignal}} {{.OCIv1.Config.Volumes}}' sluice)
[ "$settings" = "65532:65532 SIGTERM map[/var/lib/sluice:{}]" ] || fail "the image's settings are: $settings"

# Run it in namespaces of its own, with the root read-only, as the image's user, with the image's own entry point and command.
container=$(bud from sluice)
root=$(bud mount "$container")
log=$work/log
pid=
finish() {
    [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true
    bud umount "$container" >/dev/null || true
    bud rm "$container" >/dev/null
}
trap finish EXIT
ROOT=$root unshare --mount --net --propagation private bash -euc '
    ip link set lo up
    mount --bind "$ROOT" "$ROOT"
    mount -t tmpfs -o size=64m,mode=0700,uid=65532,gid=65532 tmpfs "$ROOT/var/lib/sluice"
    mount --rbind /dev "$ROOT/dev"
    mount -t proc proc "$ROOT/proc"
    mount -o remount,bind,ro "$ROOT"
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin SLUICE_DATA=/var/lib/sluice chroot --userspec=65532:65532 "$ROOT" /usr/lib/sluice/start serve
' >"$log" 2>&1 </dev/null &
pid=$!

inside() { nsenter --target "$pid" --mount --net "$@"; }
for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || fail "it ended: $(tail -5 "$log")"
    # Before /proc is there a program does not even know its own arguments.
    inside test -e "$root/proc/self" && inside chroot "$root" /usr/bin/env SLUICE_DATA=/var/lib/sluice /usr/bin/sluice doctor --ready 2>/dev/null && break
    sleep 0.2
done
inside chroot "$root" /usr/bin/env SLUICE_DATA=/var/lib/sluice /usr/bin/sluice doctor --ready || fail "not ready in 20 s: $(tail -5 "$log")"
[ "$(awk '/^Uid:/ {print $2}' "/proc/$pid/status")" = 65532 ] || fail "it does not run as uid 65532"

answer=$(inside curl -sS -m 20 -i http://127.0.0.1:8080/v1/chat/completions -d '{"model":"chat","messages":[{"role":"user","content":"hi"}]}')
grep -q '^HTTP/1.1 200' <<<"$answer" || fail "no answer: $answer"
grep -qi '^sluice-cost: 0.00' <<<"$answer" || fail "the answer has no cost, so the prices are not found: $answer"
inside chroot "$root" /usr/bin/sluice windows --config /usr/share/sluice/policies/quickstart --next 2d | grep -q night || fail "no window: time zones do not resolve"

kill -TERM "$pid"
status=0
wait "$pid" || status=$?
pid=
[ "$status" = 0 ] || fail "it exits $status on SIGTERM: $(tail -5 "$log")"
size=$(du -sm "$root" | cut -f1)
echo "docker/test.sh: the image (${size} MB) answers with a read-only root as uid 65532 and ends in order"
