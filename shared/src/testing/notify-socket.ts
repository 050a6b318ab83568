import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface NotifySocket extends AsyncDisposable {
  /** The next datagram. */
  next(): Promise<string>
}

/** Binds a datagram socket, which Node cannot, and prints each datagram in hexadecimal. */
const SCRIPT = `
  $| = 1; my $name = shift; $name =~ s/^@/\\0/;
  socket(S, AF_UNIX, SOCK_DGRAM, 0) and bind(S, pack_sockaddr_un($name)) or die $!;
  print "bound\\n";
  sleep unless shift;
  while (defined recv(S, my $data, 4096, 0)) { print unpack("H*", $data), "\\n" }`

/**
 * The socket of a service manager at `address`: a path, or an abstract name that begins with `@`.
 * @param options.receives false: takes nothing from its queue, which then is full some time
 */
export async function notifySocket(address: string, { receives = true } = {}): Promise<NotifySocket> {
  const args = ['-MSocket', '-e', SCRIPT, address, receives ? '1' : '']
  const perl = spawn('perl', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(perl, 'close')
  const lines = createInterface(perl.stdout)[Symbol.asyncIterator]()
  await lines.next()
  return {
    next: async () => Buffer.from(String((await lines.next()).value), 'hex').toString(),
    [Symbol.asyncDispose]: async () => {
      perl.kill('SIGKILL')
      await exited
    },
  }
}
