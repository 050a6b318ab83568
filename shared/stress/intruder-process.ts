import { connect } from 'node:net'

/**
 * `intruder-process.ts PATH` runs as another user and connects to a path in a loop. At each message it reports how often
 * it tried and how often it got a connection.
 */
const [path = ''] = process.argv.slice(2)
let tries = 0
let intrusions = 0

function tryAgain(): void {
  tries++
  connect(path)
    .once('connect', function (this: ReturnType<typeof connect>) {
      intrusions++
      this.destroy()
    })
    .once('error', () => undefined)
    .once('close', tryAgain)
}

process.on('message', () => {
  process.send?.({ tries, intrusions })
  tries = 0
  intrusions = 0
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
tryAgain()
