#!/usr/bin/env node
// Node reads this once, before the first file operation of an ES module: hence CommonJS (package.json beside this file).
// Its default of 4 threads for all reads and writes would let one dying memory card hold up all others.
process.env.UV_THREADPOOL_SIZE ??= '64';

void import('@oclif/core').then(({ execute }) => execute({ dir: require('node:path').join(__dirname, '..') }));
