/* The kernel asks for an address itself (ip=dhcp); what it got is told here, and resolv.conf made of it. */
#include "init.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define RESOLV_CONF "/run/resolv.conf"

static struct in_addr *address_in(struct sockaddr *address) {
  address->sa_family = AF_INET;
  return &((struct sockaddr_in *)address)->sin_addr;
}

/* The first interface that is not the loopback one. */
static int first_interface(char *name) {
  DIR *folder = opendir("/sys/class/net");
  if (!folder) return -1;
  int found = -1;
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "lo") || strlen(entry->d_name) >= IFNAMSIZ) continue;
    if (found == 0 && strcmp(name, entry->d_name) < 0) continue;
    strcpy(name, entry->d_name);
    found = 0;
  }
  closedir(folder);
  return found;
}

/* reswarm.address=192.0.2.3/24,192.0.2.1,192.0.2.53: address, gateway, name server; for kernels that ask nobody. */
static void set_address(int fd, struct ifreq *request, const char *text) {
  char address[64] = "", gateway[64] = "", server[64] = "";
  int prefix = 24;
  sscanf(text, "%63[^/]/%d,%63[^,],%63s", address, &prefix, gateway, server);
  inet_aton(address, address_in(&request->ifr_addr));
  ioctl(fd, SIOCSIFADDR, request);
  address_in(&request->ifr_netmask)->s_addr = htonl(prefix ? ~0u << (32 - prefix) : 0);
  ioctl(fd, SIOCSIFNETMASK, request);
  request->ifr_flags = IFF_UP | IFF_RUNNING;
  ioctl(fd, SIOCSIFFLAGS, request);
  struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};
  address_in(&route.rt_dst);
  address_in(&route.rt_genmask);
  if (*gateway && inet_aton(gateway, address_in(&route.rt_gateway))) ioctl(fd, SIOCADDRT, &route);
  FILE *file = *server ? fopen(RESOLV_CONF, "w") : NULL;
  if (file) fprintf(file, "nameserver %s\n", server);
  if (file) fclose(file);
}

static void copy_name_servers(void) {
  char line[256];
  FILE *from = fopen("/proc/net/pnp", "r"), *to = from ? fopen(RESOLV_CONF, "w") : NULL;
  while (to && fgets(line, sizeof line, from))
    if (strncmp(line, "nameserver ", 11) == 0 || strncmp(line, "domain ", 7) == 0) fputs(line, to);
  if (from) fclose(from);
  if (to) fclose(to);
}

void start_network(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  ioctl(fd, SIOCSIFFLAGS, &request);
  const char *address = kernel_word("reswarm.address");
  memset(&request, 0, sizeof request);
  if (first_interface(request.ifr_name)) say("network none");
  else {
    if (address) set_address(fd, &request, address);
    else copy_name_servers();
    char text[INET_ADDRSTRLEN] = "";
    int prefix = 0;
    if (ioctl(fd, SIOCGIFADDR, &request) == 0) inet_ntop(AF_INET, address_in(&request.ifr_addr), text, sizeof text);
    if (ioctl(fd, SIOCGIFNETMASK, &request) == 0)
      prefix = __builtin_popcount(address_in(&request.ifr_netmask)->s_addr);
    if (*text) say("network %s %s/%d", request.ifr_name, text, prefix);
    else say("network %s none", request.ifr_name);
  }
  close(fd);
}

static int listens_in(const char *table, int port) {
  char line[512];
  unsigned local, state;
  int found = 0;
  FILE *file = fopen(table, "re");
  while (file && !found && fgets(line, sizeof line, file))
    if (sscanf(line, "%*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &local, &state) == 2)
      found = (int)local == port && state == 0x0a;
  if (file) fclose(file);
  return found;
}

int is_listening(int port) { return listens_in("/proc/net/tcp", port) || listens_in("/proc/net/tcp6", port); }
