import { describeKernel } from '../helpers/board-device-trees.suite.js';

describeKernel('linux-source-7.3');
