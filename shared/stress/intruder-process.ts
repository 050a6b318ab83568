import { connect } from 'node:net'

/**
 * Another user, who connects to a path without a pause: `intruder-process.ts PATH`; at each message it tells how often
 * it got in, and how often it tried.
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
