import { keep } from './keep.ts'
import { packageVersions } from './machine.ts'
import { loadSettings } from './settings.ts'
import { SUITES } from './suites/all.ts'
import { SUITE_NAMES } from './suites/names.ts'

/** Runs the suites one after the other. */
const settings = loadSettings(process.env, SUITE_NAMES)
const versions = await packageVersions()
for (const [name, suite] of Object.entries(SUITES))
  if (settings.suites.includes(name)) await keep(name, { settings, versions }, suite)
