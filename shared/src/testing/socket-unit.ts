/**
 * What systemd does for a socket unit, as a wrapper for `Child`: binds `path`, listens, puts the socket at descriptor
 * 4 (3 is the channel to the test), sets LISTEN_PID to its own pid and becomes the program. In perl, which every
 * Debian has and which, unlike Node, can exec.
 */
export function socketUnit(path: string): readonly string[] {
  const script = `
    $^F = 255;
    socket(S, AF_UNIX, SOCK_STREAM, 0) and bind(S, pack_sockaddr_un(shift)) or die $!;
    listen(S, 8) and dup2(fileno(S), 4) or die $!;
    @ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = ($$, 2, "channel:api");
    exec @ARGV;`
  return ['perl', '-MSocket', '-MPOSIX=dup2', '-e', script, path]
}
