#!/usr/bin/env node
// Node reads this once, before the first file operation of an ES module: hence CommonJS (package.json beside this file).
// Its default of 4 threads for all reads and writes would let one dying memory card hold up all others.
process.env.UV_THREADPOOL_SIZE ??= '64';

// A user without an entry in /etc/passwd (`docker run --user 1234`) and without HOME: modules of oclif ask for the home
// as soon as they are loaded, and Node throws. /nonexistent is Debian's home for those who have none.
try {
  require('node:os').homedir();
} catch {
  process.env.HOME = '/nonexistent';
}

void import('../dist/oclif.js').then(({ default: oclif }) =>
  oclif.execute({ dir: require('node:path').join(__dirname, '..') }),
);
