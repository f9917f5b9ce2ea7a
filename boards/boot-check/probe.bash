# Looks at a booted image from the inside and tells what it sees, one fact a line, on the console:
#   RESWARM-PROOF {"fact":"docker","value":{...}}
# It judges nothing: src/domain/boot-proof.ts does. Run by `reswarm-os boot --check` in a throwaway overlay,
# never installed. Lines go through /dev/kmsg because the kernel writes a record in one piece, while anything
# written to the terminal itself mixes with other programs' output; a record holds about 1000 bytes.
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

fact() { printf '<1>RESWARM-PROOF {"fact":"%s","value":%s}\n' "$1" "$2" >/dev/kmsg; }

# A JSON string of printable ASCII, at most $2 characters.
text() {
  local words=${1//[^ -~]/ }
  words=${words:0:${2:-600}}
  words=${words//\\/\\\\}
  printf '"%s"' "${words//\"/\\\"}"
}

# A JSON list of the words of $1.
list() {
  local word items=()
  for word in $1; do items+=("$(text "$word" 80)"); done
  local IFS=,
  printf '[%s]' "${items[*]:0:10}"
}

fact started "{\"systemd\":$(text "$(systemctl --version | head -n 1)"),\"kernel\":$(text "$(uname -r)")}"

look_at_docker() {
  # dockerd may come by its socket, by its own unit, or not at all.
  for ((waited = 0; waited < 600; waited++)); do
    [[ -S /run/docker.sock ]] && break
    systemctl --quiet is-failed docker.socket docker.service && break
    sleep 0.3
  done
  local format='{{.ServerVersion}}|{{.Driver}}|{{.CgroupVersion}}|{{.CgroupDriver}}|{{.LoggingDriver}}|{{join .Warnings "; "}}|{{join .ServerErrors "; "}}'
  local answer code version driver cgroup cgroup_driver log_driver warnings errors
  answer=$(timeout 240 docker info --format "$format" 2>&1)
  code=$?
  if ((code != 0)); then
    fact docker "{\"error\":$(text "exit code $code: $answer")}"
    return
  fi
  IFS='|' read -r version driver cgroup cgroup_driver log_driver warnings errors <<<"${answer//$'\n'/ }"
  fact docker "{\"version\":$(text "$version"),\"driver\":$(text "$driver"),\"cgroupVersion\":$(text "$cgroup"),\"cgroupDriver\":$(text "$cgroup_driver"),\"logDriver\":$(text "$log_driver"),\"warnings\":$(text "$warnings$errors")}"
}

look_at_cloud_init() {
  local answer
  answer=$(timeout 300 cloud-init status --wait --format json 2>&1)
  local code=$? short
  short=$(python3 -c '
import json, sys
status = json.load(sys.stdin)
said = json.dumps([status.get("errors"), status.get("recoverable_errors")])
print(json.dumps({"status": status.get("status"), "extended": status.get("extended_status"),
  "datasource": status.get("detail"), "errors": status.get("errors") != [], "recoverable": bool(status.get("recoverable_errors")),
  "said": said[:500]}))' <<<"$answer" 2>/dev/null) || short="{\"status\":\"unknown\",\"said\":$(text "exit code $code: $answer")}"
  fact cloud-init "$short"
}

look_at_accounts() {
  local name id home file line
  while IFS=: read -r name _ id _ _ home _; do
    ((id == 0 || (id >= 1000 && id < 60000))) || continue
    fact account "{\"user\":$(text "$name")}"
    file=$home/.ssh/authorized_keys
    [[ -f $file ]] || continue
    while read -r _ line _; do
      fact account-key "{\"user\":$(text "$name"),\"fingerprint\":$(text "$line")}"
    done < <(ssh-keygen -l -f "$file" 2>/dev/null)
  done < <(getent passwd)
  fact identity "{\"hostname\":$(text "$(</proc/sys/kernel/hostname)"),\"accountsRead\":true}"
}

look_at_ssh() {
  local keys=() key banner waited
  for key in /etc/ssh/ssh_host_*_key; do [[ -s $key && -s $key.pub ]] && keys+=("${key##*/}"); done
  for ((waited = 0; waited < 10; waited++)); do
    banner=$(timeout 10 bash -c 'exec 3<>/dev/tcp/127.0.0.1/22 && read -r line <&3 && echo "$line"' 2>/dev/null) && break
    sleep 1
  done
  # Whoever listens on more than the loopback.
  local open
  open=$(ss -Hlnt 2>/dev/null | while read -r _ _ _ local _; do
    [[ $local == 127.* || $local == '[::1]'* ]] || echo "$local"
  done | sort -u)
  fact ssh "{\"hostKeys\":$(list "${keys[*]}"),\"banner\":$(text "$banner"),\"listening\":$(list "$open")}"
}

look_at_mounts() {
  ls /boot >/dev/null 2>&1 # an automount happens now
  local where fs root_fs boot_fs written=true
  while read -r _ where fs options _; do
    [[ $where == / ]] && root_fs="$fs $options"
    [[ $where == /boot ]] && boot_fs="$fs $options"
  done </proc/mounts
  for where in / /boot/; do
    { echo written >"${where}reswarm-proof" && rm "${where}reswarm-proof"; } 2>/dev/null || written=false
  done
  fact mounts "{\"root\":$(text "$root_fs" 200),\"boot\":$(text "$boot_fs" 200),\"written\":$written}"

  local partition disk device count size
  partition=$(readlink -f "/sys/dev/block/$(mountpoint -d /)")
  disk=${partition%/*}
  device=/dev/${partition##*/}
  count=$(dumpe2fs -h "$device" 2>/dev/null | sed -n 's/^Block count: *//p')
  size=$(dumpe2fs -h "$device" 2>/dev/null | sed -n 's/^Block size: *//p')
  fact root-size "{\"diskBytes\":$(($(<"$disk/size") * 512)),\"partitionEndBytes\":$((($(<"$partition/start") + $(<"$partition/size")) * 512)),\"partitionBytes\":$(($(<"$partition/size") * 512)),\"fileSystemBytes\":$((${count:-0} * ${size:-0}))}"
}

look_at_units() {
  local state failed
  state=$(timeout 300 systemctl is-system-running --wait)
  failed=$(systemctl list-units --failed --plain --no-legend | cut -d ' ' -f 1)
  fact units "{\"state\":$(text "$state"),\"failed\":$(list "$failed")}"
  local name
  for name in $failed; do
    fact failed-unit "{\"unit\":$(text "$name" 80),\"journal\":$(text "$(journalctl --no-pager -o cat -n 6 -u "$name" 2>&1)")}"
  done
}

look_at_memory() {
  local name value total available
  while read -r name value _; do
    [[ $name == MemTotal: ]] && total=$value
    [[ $name == MemAvailable: ]] && available=$value
  done </proc/meminfo
  fact memory "{\"totalBytes\":$((total * 1024)),\"usedBytes\":$(((total - available) * 1024))}"
}

# No registry can be asked, so the image is made of the root file system's own bash. GREETER is set above.
look_at_containers() {
  local dir libraries answer code
  dir=$(mktemp -d /var/tmp/reswarm-proof.XXXXXX)
  mapfile -t libraries < <(ldd /bin/bash | grep -o '/[^ ]*')
  answer=$(cd / && cp --parents -L /bin/bash "${libraries[@]}" "$dir" 2>&1 &&
    tar -C "$dir" -c . | timeout 120 docker import - reswarm-proof:1 2>&1 >/dev/null &&
    timeout 240 docker run --rm --memory 64m --pids-limit 64 reswarm-proof:1 /bin/bash -c \
      "read -r memory </sys/fs/cgroup/memory.max; exec 3<>/dev/tcp/${GREETER/:/\/} && read -r -t 30 line <&3; echo \"sum=\$((6 * 7)) memory=\$memory network=\$line\"" 2>&1)
  code=$?
  rm -rf "$dir"
  fact container "{\"exitCode\":$code,\"output\":$(text "$answer" 500)}"
}

# Asking for every unit's times takes half a minute in an emulated machine: only with PROFILE=1, set above.
look_at_times() {
  local line
  fact time "$(text "$(systemd-analyze time 2>&1 | head -n 1)")"
  [[ $PROFILE == 1 ]] || return
  while read -r line; do fact blame "$(text "$line" 120)"; done < <(systemd-analyze blame --no-pager 2>/dev/null | head -n 15)
  while read -r line; do fact chain "$(text "$line" 120)"; done < <(systemd-analyze critical-chain --no-pager 2>/dev/null | tail -n +4 | head -n 20)
}

# Docker first and alone: every other look costs time that would be counted as the boot's.
look_at_docker
look_at_units
look_at_cloud_init
look_at_accounts
look_at_ssh
look_at_mounts
look_at_memory
look_at_containers
look_at_times
fact finished true
exec systemctl poweroff
