import { keep, packageVersions } from './results.ts'
import { loadSettings } from './settings.ts'
import { SUITE_NAMES, SUITES } from './suites/all.ts'

/** Runs the selected suites one after the other. */
const settings = loadSettings(process.env, SUITE_NAMES)
const versions = await packageVersions()
for (const [name, suite] of Object.entries(SUITES))
  if (settings.suites.includes(name)) await keep(name, { settings, versions }, suite)
