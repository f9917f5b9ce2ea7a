# One step of the check of a system with two slots, told on the console as RESWARM-PROOF facts; src/check/check-slots.ts
# judges them and says by STEP what is to be done. Never installed: see src/check/boot-probe.ts.
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

state=/data/reswarm/updates
fact() { printf '<1>RESWARM-PROOF {"fact":"%s","value":%s}\n' "$1" "$2" >/dev/kmsg; }
text() {
  local words=${1//[^ -~]/ }
  words=${words:0:500}
  words=${words//\\/\\\\}
  printf '"%s"' "${words//\"/\\\"}"
}

if [[ ! -x /usr/lib/reswarm/updates/facts ]]; then
  fact no-slots true
  systemctl poweroff
  exit
fi
fact slot "$(/usr/lib/reswarm/updates/facts)"

# What an update must not change: who the device is, and what is on its data partition.
identity() {
  local key id
  # cloud-init makes what an update did not bring.
  cloud-init status --wait >/dev/null 2>&1
  key=$(ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub 2>/dev/null | cut -d ' ' -f 2)
  id=$(id -u "$(sed -n 's/^\([^:]*\):x:1000:.*/\1/p' /etc/passwd)" 2>/dev/null)
  fact identity "{\"machineId\":$(text "$(cat /etc/machine-id)"),\"sshKey\":$(text "$key"),\"hostname\":$(text "$(uname -n)"),\"user\":$(text "$id")}"
}
mark_data() {
  local volume=''
  echo reswarm-was-here >/home/reswarm-check
  if [[ -S /run/docker.sock ]]; then
    docker volume create reswarm-check >/dev/null && volume=$(docker volume inspect --format '{{.Mountpoint}}' reswarm-check)
    [[ -n $volume ]] && echo reswarm-was-here >"$volume/mark"
  fi
  sync -f /data
}
look_at_data() {
  local home volume=none
  home=$(cat /home/reswarm-check 2>&1)
  if [[ -S /run/docker.sock ]]; then volume=$(cat "$(docker volume inspect --format '{{.Mountpoint}}' reswarm-check 2>&1)/mark" 2>&1); fi
  fact data "{\"home\":$(text "$home"),\"volume\":$(text "$volume"),\"source\":$(text "$(findmnt -no SOURCE /data)")}"
}
wait_for_health() {
  local waited
  for ((waited = 0; waited < 600; waited++)); do
    grep -qs '"state":"\(good\|failed\)"' /run/reswarm/health.json && break
    sleep 1
  done
  fact health "$(cat /run/reswarm/health.json 2>/dev/null || echo '{"state":"none"}')"
}
last_history() { fact history "$(tail -n 1 $state/history.ndjson 2>/dev/null || echo null)"; }

install() {
  local bundle=$state/bundles/check.raucb output code
  mkdir -p $state/bundles
  head -c "$SIZE" /dev/disk/by-id/virtio-reswarm-bundle >$bundle
  sync $bundle
  fact installing true
  if [[ -x /usr/bin/reswarm-update ]]; then output=$(reswarm-update install $bundle 2>&1); else output=$(rauc install $bundle 2>&1); fi
  code=$?
  rm -f $bundle
  fact installed "{\"code\":$code,\"text\":$(text "$(tail -n 3 <<<"$output" | tr '\n' ' ')")}"
  if ((code == 0)) && [[ $FAIL == unhealthy ]]; then
    mkdir -p /run/reswarm-check
    mount /dev/reswarm/root-b /run/reswarm-check
    printf '#!/bin/sh\necho asked to fail\nexit 1\n' >/run/reswarm-check/etc/reswarm/health.d/99-check
    chmod 755 /run/reswarm-check/etc/reswarm/health.d/99-check
    sed -i 's/^DEADLINE=.*/DEADLINE=20/' /run/reswarm-check/etc/reswarm/updates.conf
    umount /run/reswarm-check
  fi
  return "$code"
}

wait_for_health
identity
case $STEP in
  install)
    mark_data
    if install; then systemctl reboot; else systemctl poweroff; fi
    ;;
  trial) systemctl reboot ;;
  look)
    look_at_data
    last_history
    systemctl poweroff
    ;;
esac
