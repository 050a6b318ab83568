import { engine } from '../../../e2e/support/engine.ts'
import { keep } from '../keep.ts'
import { loadSettings } from '../settings.ts'
import { ENGINE_RESTART, SUITE_NAMES } from '../suites/names.ts'
import { engineRestart } from './engine-restart.ts'

/** What needs an engine is measured on it, not in the container that measures the rest. */
const settings = loadSettings(process.env, SUITE_NAMES)
const { Version } = await engine.version()
const circumstances = { settings, versions: { docker: Version } }
if (settings.suites.includes(ENGINE_RESTART)) await keep(ENGINE_RESTART, circumstances, engineRestart)
