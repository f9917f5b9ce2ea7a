/** oclif in the same bundle as the commands: Node then reads one file in place of the hundred that oclif is made of. */
export { execute } from '@oclif/core';
