#!/bin/bash
# Runs in the virtual machine of tools/rdma_vm, in the host's root directory: makes the RDMA
# ports and the wire between them, runs the command, and tells the host how it ended.
#
# job.sh beside it, which the host wrote, sets ports, token, modules and shares, and has the
# function run_command.
set -u
export PATH=/run/rdma_vm/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec < /dev/null > /dev/ttyS0 2>&1
shares=()
# shellcheck source=/dev/null
source /run/rdma_vm/job.sh
: "${ports:?}" "${token:?}" "${modules:?}"

# The bridge is the wire's middle. Each port has two ends: rdmaN is the host's, wireN the switch's.
make_wire() {
  local port
  echo "link add wire type bridge forward_delay 0 mcast_snooping 0"
  echo "link set lo up"
  echo "link set wire mtu 4200 up"
  for ((port = 0; port < ports; port++)); do
    echo "link add rdma$port mtu 4200 address 02:00:00:00:77:0$((port + 1)) type veth" \
         "peer name wire$port mtu 4200"
    echo "link set wire$port master wire up"
  done
}

# All addresses are local to this one kernel, which would deliver to them without a wire. Rules
# that are asked before the local table send what comes from one port to another out instead.
make_routes() {  # $1: prefix  $2: its bits  $3: further words for an address
  local port other device address table
  for ((port = 0; port < ports; port++)); do
    device=rdma$port address=$1$((port + 1)) table=$((700 + port))
    echo "addr add $address/$2 dev $device noprefixroute ${3:-}"
    echo "route add ${1}0/$2 dev $device src $address table $table"
    echo "rule add pref 1 from $address to $address lookup local"
    echo "rule add pref 2 oif $device lookup $table"
    echo "rule add pref 3 iif lo from $address lookup $table"
    for ((other = 0; other < ports; other++)); do
      [[ $other -eq $port ]] ||
        echo "neigh add $1$((other + 1)) dev $device lladdr 02:00:00:00:77:0$((other + 1))"
    done
  done
  echo "rule add pref 4 lookup local"
  echo "rule del pref 0"
}

make_ports() {
  local port
  make_wire | ip -batch - || return
  for ((port = 0; port < ports; port++)); do
    echo 1 > "/proc/sys/net/ipv4/conf/rdma$port/accept_local"
    echo 0 > "/proc/sys/net/ipv6/conf/rdma$port/accept_dad"
    ip link set "rdma$port" up || return
  done
  make_routes 10.77.0. 24 | ip -4 -batch - || return
  make_routes fd77:: 64 nodad | ip -6 -batch - || return
  for ((port = 0; port < ports; port++)); do
    rdma link add "rxe$port" type rxe netdev "rdma$port" || return
  done
}

main() {
  local code
  echo rdma-vm > /proc/sys/kernel/hostname
  mkdir -p /lib/modules
  ln -sfn "$modules" "/lib/modules/$(uname -r)"
  modprobe -a veth bridge crc32_generic rdma_rxe rdma_ucm
  ulimit -l unlimited
  exec 5> "$(echo /dev/vport*p3)"
  if ! make_ports; then
    echo "broken soft-RoCE could not be set up" >&5
    return
  fi
  for index in "${!shares[@]}"; do
    mkdir -p "${shares[index]}"
    mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=mmap "share$index" \
      "${shares[index]}" || echo "broken cannot mount ${shares[index]}" >&5
  done
  # By way of pipes, so that the command may open its /dev/stdout again.
  exec 3> >(exec cat > "$(echo /dev/vport*p1)") 4> >(exec cat > "$(echo /dev/vport*p2)")
  read -r uptime _ < /proc/uptime
  echo "ready $uptime" >&5
  (run_command) < /dev/null >&3 2>&4 5>&-
  code=$?
  sync
  # The token ends each stream for the host: it has then all that came before.
  printf %s "$token" >&3
  printf %s "$token" >&4
  echo "exit $code" >&5
}

main
# The host ends the machine as soon as it has read all; this is for when it does not.
sleep 60
echo o > /proc/sysrq-trigger
sleep 60
