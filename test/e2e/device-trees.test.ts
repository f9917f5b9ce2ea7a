import { describeKernel } from '../helpers/board-device-trees.suite.js';

// The boards that share Linux 6.12; those of the 5 are in test/e2e-full.
describeKernel('linux-source-6.12');
