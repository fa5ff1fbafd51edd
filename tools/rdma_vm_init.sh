#!/bin/busybox sh
# shellcheck shell=dash
#
# The first program in the virtual machine of tools/rdma_vm: puts the host's root directory in
# place, read-only beneath a scratch layer in memory, and goes on there with guest.sh.
export PATH=/bin
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /host /scratch /root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "/modules/$module"; done < /modules/order

mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /host
mount -t tmpfs -o mode=0755 tmpfs /scratch
mkdir /scratch/upper /scratch/work
mount -t overlay -o lowerdir=/host,upperdir=/scratch/upper,workdir=/scratch/work overlay /root

mkdir -p /root/proc /root/sys /root/dev /root/run /root/tmp
for dir in proc sys dev; do mount --move "/$dir" "/root/$dir"; done
mkdir -p /root/dev/pts /root/dev/shm
ln -s /proc/self/fd /root/dev/fd
for name in stdin:0 stdout:1 stderr:2; do
  ln -s "/proc/self/fd/${name#*:}" "/root/dev/${name%:*}"
done
mount -t devpts devpts /root/dev/pts
mount -t tmpfs tmpfs /root/dev/shm
mount -t tmpfs -o mode=0755 tmpfs /root/run
cp -r /rdma_vm /root/run/rdma_vm
exec switch_root /root /bin/bash /run/rdma_vm/guest.sh
