/* Answers every HTTP request with one line. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nConnection: close\r\n\r\nhello from C\n";

int main(int argc, char **argv) {
  int port = argc > 1 ? atoi(argv[1]) : 8080, one = 1;
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_ANY_INIT};
  struct sockaddr_in old = {.sin_family = AF_INET, .sin_port = htons(port)};
  /* A kernel without IPv6 refuses the first kind of socket; the second takes IPv4 alone. */
  int listener = socket(AF_INET6, SOCK_STREAM, 0), six = listener >= 0;
  if (!six) listener = socket(AF_INET, SOCK_STREAM, 0);
  signal(SIGPIPE, SIG_IGN);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, six ? (void *)&address : (void *)&old, six ? sizeof address : sizeof old) || listen(listener, 64)) {
    perror("cannot listen");
    return 1;
  }
  printf("listening on port %d\n", port);
  fflush(stdout);
  for (;;) {
    char request[4096];
    int client = accept(listener, NULL, NULL);
    if (client < 0) continue;
    if (read(client, request, sizeof request) > 0) (void)!write(client, answer, strlen(answer));
    close(client);
  }
}
