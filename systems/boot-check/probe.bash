# Looks at a booted image from the inside and tells what it sees, one fact a line, on the console:
#   RESWARM-PROOF {"fact":"docker","value":{...}}
# It judges nothing: src/model/boot-proof.ts does. Run by `reswarm-os boot --check` in a throwaway overlay,
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

# Which container engine the image says it has; images of before that was said have Docker.
ENGINE=debian
[[ -f /usr/lib/reswarm/container-engine ]] && read -r ENGINE </usr/lib/reswarm/container-engine

look_at_engine() {
  case $ENGINE in
    containerd) look_at_containerd ;;
    podman) look_at_podman ;;
    none) look_for_engines ;;
    *) look_at_docker ;;
  esac
}

# wait_for_socket PATH UNIT...: it may come by its socket unit, by its service, or not at all.
wait_for_socket() {
  local waited
  for ((waited = 0; waited < 600; waited++)); do
    [[ -S $1 ]] && break
    systemctl --quiet is-failed "${@:2}" && break
    sleep 0.3
  done
}

look_at_docker() {
  wait_for_socket /run/docker.sock docker.socket docker.service
  local format='{{.ServerVersion}}|{{.Driver}}|{{.CgroupVersion}}|{{.CgroupDriver}}|{{.LoggingDriver}}|{{join .Warnings "; "}}|{{join .ServerErrors "; "}}'
  local answer
  answer=$(timeout 240 docker info --format "$format" 2>&1)
  tell_engine $? "$answer"
}

look_at_podman() {
  local format='{{.Version.Version}}|{{.Store.GraphDriverName}}|{{.Host.CgroupsVersion}}|{{.Host.CgroupManager}}|{{.Host.LogDriver}}||'
  local answer
  answer=$(timeout 240 podman info --format "$format" 2>&1)
  tell_engine $? "$answer"
}

# Its cgroups are made by whoever starts a container, so there is no driver to ask for.
look_at_containerd() {
  wait_for_socket /run/containerd/containerd.sock containerd.service
  local answer code cgroup=1
  answer=$(timeout 240 ctr version 2>&1)
  code=$?
  ((code == 0)) && answer=$(sed -n '/^Server/,$s/^ *Version: *//p' <<<"$answer")
  [[ -f /sys/fs/cgroup/cgroup.controllers ]] && cgroup=2
  ((code == 0)) && answer+="|$(ctr plugins list | sed -n 's/^io.containerd.snapshotter.v1 *\(overlayfs\) .* ok *$/\1/p')|$cgroup||||"
  tell_engine "$code" "$answer"
}

# tell_engine CODE ANSWER, the answer as `docker info` gives it above.
tell_engine() {
  local version driver cgroup cgroup_driver log_driver warnings errors
  if (($1 != 0)); then
    fact docker "{\"source\":$(text "$ENGINE" 20),\"error\":$(text "exit code $1: $2")}"
    return
  fi
  IFS='|' read -r version driver cgroup cgroup_driver log_driver warnings errors <<<"${2//$'\n'/ }"
  fact docker "{\"source\":$(text "$ENGINE" 20),\"version\":$(text "$version"),\"driver\":$(text "$driver"),\"cgroupVersion\":$(text "${cgroup#v}"),\"cgroupDriver\":$(text "$cgroup_driver"),\"logDriver\":$(text "$log_driver"),\"warnings\":$(text "$warnings$errors")}"
}

look_for_engines() {
  local program found=()
  for program in dockerd docker containerd ctr nerdctl podman runc crun; do
    type -P "$program" >/dev/null && found+=("$program")
  done
  fact docker "{\"source\":\"none\",\"found\":$(list "${found[*]}")}"
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
  local where fs root_fs boot_fs written=true others='' type found
  while read -r _ where fs options _; do
    [[ $where == / ]] && root_fs="$fs $options"
    [[ $where == /boot ]] && boot_fs="$fs $options"
  done </proc/mounts
  for where in / /boot/; do
    { echo written >"${where}reswarm-proof" && rm "${where}reswarm-proof"; } 2>/dev/null || written=false
  done
  # What else fstab asks for: data partitions.
  while read -r where type options; do
    [[ $where == / || $where == /boot || $where == none ]] && continue
    found=$(findmnt --noheadings --output FSTYPE,OPTIONS --mountpoint "$where" | tr -s ' ')
    if [[ ,$options, != *,ro,* ]]; then
      { echo written >"$where/reswarm-proof" && rm "$where/reswarm-proof"; } 2>/dev/null || written=false
    fi
    others+="${others:+,}{\"where\":$(text "$where" 80),\"type\":$(text "$type" 20),\"options\":$(text "$options" 200),\"found\":$(text "$found" 200)}"
  done < <(findmnt --fstab --raw --noheadings --output TARGET,FSTYPE,OPTIONS)
  fact mounts "{\"root\":$(text "$root_fs" 200),\"boot\":$(text "$boot_fs" 200),\"written\":$written,\"others\":[$others]}"

  local partition disk device count size growing
  partition=$(readlink -f "/sys/dev/block/$(mountpoint -d /)")
  # The system says in this file that another partition grows, or none.
  if [[ -e /usr/lib/reswarm/grown-partition ]]; then
    growing=$(</usr/lib/reswarm/grown-partition)
    if [[ -z $growing ]]; then
      fact root-size '{"grows":false}'
      return
    fi
    partition=$(readlink -f "/sys/class/block/$(basename "$(findfs "PARTUUID=$growing")")")
  fi
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

# No registry can be asked, so the image is made of the root file system's own bash, as `docker save` writes one: every
# engine loads that.
make_image() {
  local dir=$1 libraries layer
  mapfile -t libraries < <(ldd /bin/bash | grep -o '/[^ ]*')
  mkdir "$dir/root" && (cd / && cp --parents -L /bin/bash "${libraries[@]}" "$dir/root") &&
    tar -C "$dir/root" -cf "$dir/layer.tar" . || return
  read -r layer _ < <(sha256sum "$dir/layer.tar")
  printf '{"architecture":"%s","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$(dpkg --print-architecture)" "$layer" >"$dir/config.json"
  printf '[{"Config":"config.json","RepoTags":["reswarm-proof:1"],"Layers":["layer.tar"]}]' >"$dir/manifest.json"
  tar -C "$dir" -cf "$dir/image.tar" manifest.json config.json layer.tar
}

# Says what it sees of its cgroup, which containerd alone does not make the root of its view, and of GREETER, set above.
INSIDE='IFS=: read -r _ _ group </proc/self/cgroup; read -r memory <"/sys/fs/cgroup${group%/}/memory.max"'
INSIDE+="; exec 3<>/dev/tcp/${GREETER/:/\/} && read -r -t 30 line <&3; echo \"sum=\$((6 * 7)) memory=\$memory network=\$line\""

run_image() {
  case $ENGINE in
    containerd)
      timeout 120 ctr images import "$1" 2>&1 >/dev/null &&
        timeout 240 ctr run --rm --net-host --memory-limit $((64 << 20)) \
          --mount type=bind,src=/sys/fs/cgroup,dst=/sys/fs/cgroup,options=rbind:ro \
          docker.io/library/reswarm-proof:1 reswarm-proof /bin/bash -c "$INSIDE" 2>&1
      ;;
    podman)
      timeout 120 podman load --quiet --input "$1" 2>&1 >/dev/null &&
        timeout 240 podman run --rm --memory 64m --pids-limit 64 reswarm-proof:1 \
          /bin/bash -c "$INSIDE" 2>&1
      ;;
    *)
      timeout 120 docker load --quiet --input "$1" 2>&1 >/dev/null &&
        timeout 240 docker run --rm --memory 64m --pids-limit 64 reswarm-proof:1 /bin/bash -c "$INSIDE" 2>&1
      ;;
  esac
}

# The full name that containerd keeps an image under.
full_name() {
  case $1 in
    *.*/* | *:*/* | localhost/*) echo "$1" ;;
    */*) echo "docker.io/$1" ;;
    *) echo "docker.io/library/$1" ;;
  esac
}

has_image() {
  case $ENGINE in
    containerd) ctr images list --quiet | grep --quiet --fixed-strings --line-regexp "$(full_name "$1")" ;;
    podman) podman image exists "$1" ;;
    *) docker image inspect "$1" >/dev/null 2>&1 ;;
  esac
}

look_at_containers() {
  local dir answer code tag tags=() missing=()
  if [[ $ENGINE == none ]]; then
    fact container '{"source":"none"}'
    return
  fi
  [[ -f /usr/lib/reswarm/container-images ]] && mapfile -t tags </usr/lib/reswarm/container-images
  for tag in "${tags[@]}"; do has_image "$tag" || missing+=("$tag"); done
  dir=$(mktemp -d /var/tmp/reswarm-proof.XXXXXX)
  answer=$(make_image "$dir" 2>&1 && run_image "$dir/image.tar")
  code=$?
  rm -rf "$dir"
  fact container "{\"source\":$(text "$ENGINE" 20),\"exitCode\":$code,\"output\":$(text "$answer" 500),\"images\":${#tags[@]},\"missingImages\":$(list "${missing[*]}")}"
}

# Of a realtime kernel only: how late a thread of high priority wakes up while the machine is busy.
look_at_latency() {
  [[ $(uname -v) == *PREEMPT_RT* ]] || return
  fact realtime true
  if ! type cyclictest >/dev/null 2>&1; then
    fact latency "{\"error\":$(text "cyclictest is not in this image")}"
    return
  fi
  local answer code
  answer=$(timeout 120 cyclictest --mlockall --priority=80 --interval=1000 --loops=5000 --quiet 2>&1)
  code=$?
  if [[ $code == 0 && $answer =~ Min:\ *([0-9]+).*Avg:\ *([0-9]+)\ Max:\ *([0-9]+) ]]; then
    fact latency "{\"minUs\":${BASH_REMATCH[1]},\"avgUs\":${BASH_REMATCH[2]},\"maxUs\":${BASH_REMATCH[3]}}"
  else
    fact latency "{\"error\":$(text "exit code $code: $answer")}"
  fi
}

# Asking for every unit's times takes half a minute in an emulated machine: only with PROFILE=1, set above.
look_at_times() {
  local line
  fact time "$(text "$(systemd-analyze time 2>&1 | head -n 1)")"
  [[ $PROFILE == 1 ]] || return
  while read -r line; do fact blame "$(text "$line" 120)"; done < <(systemd-analyze blame --no-pager 2>/dev/null | head -n 15)
  while read -r line; do fact chain "$(text "$line" 120)"; done < <(systemd-analyze critical-chain --no-pager 2>/dev/null | tail -n +4 | head -n 20)
}

# The engine first and alone: every other look costs time that would be counted as the boot's.
look_at_engine
look_at_units
look_at_cloud_init
look_at_accounts
look_at_ssh
look_at_mounts
look_at_memory
look_at_containers
look_at_latency
look_at_times
fact finished true
exec systemctl poweroff
