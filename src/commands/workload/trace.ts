import { relative } from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { TracedWorkload } from '../../build/workload/trace-workload.js';
import { traceWorkload } from '../../build/workload/trace-workload.js';
import { describeTrace } from '../../ui/describe-trace.js';
import { kernelFlags, kernelOptions } from '../../ui/kernel-flags.js';
import { BaseCommand } from '../base-command.js';

export default class WorkloadTrace extends BaseCommand {
  static override summary = 'Boot a workload once with all of its packages and write the list of files that it uses';
  static override description = `The machine is QEMU's, for the architecture of the board. While the workload passes its check and does its exercise, the
kernel tells which files are opened, executed and mapped. What its programs need by their ELF headers is the second
opinion. Commit the list: a build from it boots nothing. Lines of your own in it, + PATH and - PATH, are kept.`;
  static override args = {
    workload: Args.string({ description: 'id of a shipped workload or path of a workload file', required: true }),
  };
  static override flags = {
    board: Flags.string({
      char: 'b',
      description: 'board id, or the path of a board definition: its architecture and kernel are used',
      default: 'pc-amd64',
      helpValue: 'pc-amd64',
    }),
    jobs: kernelFlags.jobs,
    offline: kernelFlags.offline,
    mirror: kernelFlags.mirror,
    output: Flags.string({
      char: 'o',
      description: 'file to write [default: what the workload names as its list]',
      helpValue: 'LIST',
    }),
    keep: Flags.string({
      description: 'glob of paths that go in though no trace saw them: a line "+ GLOB" of the list',
      multiple: true,
      multipleNonGreedy: true,
      default: [],
      helpValue: 'GLOB',
    }),
    drop: Flags.string({
      description: 'glob of paths that stay out though the trace saw them: a line "- GLOB" of the list',
      multiple: true,
      multipleNonGreedy: true,
      default: [],
      helpValue: 'GLOB',
    }),
  };
  static override examples = [
    '<%= config.bin %> workload trace node',
    '<%= config.bin %> workload trace ./web.yaml --board rpi4',
    "<%= config.bin %> workload trace ./web.yaml --keep '/usr/share/zoneinfo/Europe/*' --drop /etc/ssl",
  ];

  protected override readonly streamsEvents = true;

  async run(): Promise<TracedWorkload> {
    const { args, flags } = await this.parse(WorkloadTrace);
    const { output, keep, drop, ...kernel } = flags;
    const place = { projectDir: this.config.root, workingFolder: process.cwd(), cpus: this.host.facts.cpus };
    const options = {
      ...kernelOptions(kernel, place, process.env),
      workload: args.workload,
      keep,
      drop,
      output,
    };
    const traced = await traceWorkload(options, this.host, this.reporter);
    await this.closeReporter();
    for (const line of describeTrace(traced, relative(process.cwd(), traced.list))) this.log(line);
    return traced;
  }
}
