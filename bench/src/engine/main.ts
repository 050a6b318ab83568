import { engine } from '../../../e2e/support/engine.ts'
import { keep } from '../results.ts'
import { loadSettings } from '../settings.ts'
import { SUITE_NAMES } from '../suites/all.ts'
import { ENGINE_RESTART } from '../suites/restart.ts'
import { engineRestart } from './engine-restart.ts'

/** Measures what needs a container engine; everything else is measured inside one container. */
const settings = loadSettings(process.env, SUITE_NAMES)
const { Version } = await engine.version()
const circumstances = { settings, versions: { docker: Version } }
if (settings.suites.includes(ENGINE_RESTART)) await keep(ENGINE_RESTART, circumstances, engineRestart)
