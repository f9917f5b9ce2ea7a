import type { TestProject } from 'vitest/node';
import { readHostFacts } from '../../src/host/read-facts.js';
import { RealHost } from '../../src/host/real-host.js';
import { assertHostReady, checkHost, installMissing } from '../../src/maintenance/doctor.js';
import { obtainToolsTree } from '../../src/tools/obtain-tools.js';
import { PlainReporter } from '../../src/ui/plain-reporter.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Host path of the tools tree. */
    toolsTree: string;
  }
}

/** Integration tests run the very programs that builds run: the tools tree of the store, made when it is not there. */
export default async function provideToolsTree(project: TestProject): Promise<void> {
  const abort = new AbortController();
  const host = new RealHost({
    facts: readHostFacts(process.env),
    signal: abort.signal,
    environment: process.env,
    offline: false,
  });
  const reporter = new PlainReporter((line) => {
    console.error(line);
  });
  // As root a fresh machine gets the few host packages that a build needs; what is run is shown first.
  assertHostReady(
    host.facts.privilege === 'root' ? await installMissing(host, reporter, undefined) : await checkHost(host),
  );
  const tools = await obtainToolsTree({ offline: false }, host, reporter);
  project.provide('toolsTree', tools.root);
}
