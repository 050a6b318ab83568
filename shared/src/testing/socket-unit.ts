const LISTENING =
  'socket(S, AF_UNIX, SOCK_STREAM, 0) and bind(S, pack_sockaddr_un($path)) and listen(S, 8) or die $!;'

/** Sockets that a unit may pass by mistake, or for another endpoint. */
export const WRONG_SOCKETS = {
  'does not listen': 'socket(S, AF_UNIX, SOCK_STREAM, 0) and bind(S, pack_sockaddr_un($path)) or die $!;',
  'is no stream socket (datagram)':
    'socket(S, AF_UNIX, SOCK_DGRAM, 0) and bind(S, pack_sockaddr_un($path)) or die $!;',
  'is of another kind (ipv4)':
    'socket(S, AF_INET, SOCK_STREAM, 0) and bind(S, pack_sockaddr_in(0, INADDR_LOOPBACK)) and listen(S, 8) or die $!;',
  'is no socket': 'open(S, "<", "/dev/null") or die $!;',
} as const

/**
 * What systemd does for a socket unit, as a wrapper for `Child`: binds `path`, listens, puts the socket at descriptor
 * 4 (3 is the channel to the test), sets LISTEN_PID to its own pid and becomes the program. In perl, which every
 * Debian has and which, unlike Node, can exec.
 * @param make other statements that make the socket S, such as one of {@link WRONG_SOCKETS}
 */
export function socketUnit(path: string, make = LISTENING): readonly string[] {
  const script = `
    $^F = 255; my $path = shift;
    ${make}
    dup2(fileno(S), 4) or die $!;
    @ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = ($$, 2, "channel:api");
    exec @ARGV;`
  return ['perl', '-MSocket', '-MPOSIX=dup2', '-e', script, path]
}
