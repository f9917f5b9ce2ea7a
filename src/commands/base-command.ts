import { Command, Errors } from '@oclif/core';
import { InterruptedError, ReswarmError } from '../errors.js';
import { programEnvironment } from '../host/caller-environment.js';
import type { Host } from '../host/host.js';
import { shedCallersSettings } from '../host/own-process.js';
import { readHostFacts } from '../host/read-facts.js';
import { RealHost } from '../host/real-host.js';
import type { Reporter } from '../pipeline/reporter.js';
import { errorJson, formatError } from '../ui/describe-error.js';
import { JsonReporter } from '../ui/json-reporter.js';
import { PlainReporter } from '../ui/plain-reporter.js';
import { TerminalReporter } from '../ui/terminal-reporter.js';
import { unknownFlags, wrongUsage } from '../ui/usage-errors.js';

/** Ctrl-C, `kill`, and a terminal that went away. */
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** npx and npm pass on a Ctrl-C that the terminal has sent us already: that is no second one. */
const SAME_KEYSTROKE_MS = 500;

/** What every command shares: the host, the reporter, how errors look and how Ctrl-C ends. */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;

  /** Commands that run for long print events as NDJSON with --json; the others one JSON document. */
  protected readonly streamsEvents: boolean = false;

  private readonly interrupt = new AbortController();
  private interruptedAt = 0;
  private readonly onSignal = (signal: NodeJS.Signals): void => {
    if (this.interrupt.signal.aborted) {
      // A second Ctrl-C means: now, whatever it leaves behind.
      if (performance.now() - this.interruptedAt > SAME_KEYSTROKE_MS) process.exit(130);
      return;
    }
    this.interruptedAt = performance.now();
    this.interrupt.abort(new InterruptedError(signal));
  };
  private terminal: TerminalReporter | undefined;
  private currentHost: Host | undefined;
  private currentReporter: Reporter | undefined;

  override async init(): Promise<void> {
    await super.init();
    await shedCallersSettings();
    for (const signal of ENDING_SIGNALS) process.on(signal, this.onSignal);
  }

  protected get host(): Host {
    this.currentHost ??= this.createHost(this.interrupt.signal);
    return this.currentHost;
  }

  protected get reporter(): Reporter {
    this.currentReporter ??= this.createReporter();
    return this.currentReporter;
  }

  /** Tests override this with a host that refuses what they do not expect. */
  protected createHost(signal: AbortSignal): Host {
    const offline = this.argv.includes('--offline');
    const environment = programEnvironment(process.env);
    return new RealHost({ facts: readHostFacts(process.env), signal, environment, offline });
  }

  private createReporter(): Reporter {
    const toStderr = (line: string): void => {
      process.stderr.write(`${line}\n`);
    };
    if (this.jsonEnabled()) {
      return this.streamsEvents
        ? new JsonReporter((line) => process.stdout.write(`${line}\n`))
        : { emit: () => undefined };
    }
    if (!process.stderr.isTTY || process.env.TERM === 'dumb') return new PlainReporter(toStderr);
    this.terminal = new TerminalReporter(toStderr);
    return this.terminal;
  }

  protected override logJson(json: unknown): void {
    if (this.streamsEvents) process.stdout.write(`${JSON.stringify({ type: 'result', ...(json as object) })}\n`);
    else super.logJson(json);
  }

  /** Ends the live list, so that what is printed next stands below it. */
  protected async closeReporter(): Promise<void> {
    await this.terminal?.close();
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    for (const signal of ENDING_SIGNALS) process.off(signal, this.onSignal);
    await this.closeReporter();
    await super.finally(error);
  }

  protected override async catch(thrown: Error & { exitCode?: number }): Promise<unknown> {
    await this.closeReporter();
    const error = this.interrupt.signal.aborted
      ? (this.interrupt.signal.reason as InterruptedError)
      : this.readParseError(thrown);
    if (!(error instanceof ReswarmError)) return super.catch(error);
    process.exitCode = error.exitCode;
    if (this.jsonEnabled()) this.logJson(this.toErrorJson(error));
    else process.stderr.write(formatError(error));
    return undefined;
  }

  protected override toErrorJson(error: unknown): unknown {
    return error instanceof ReswarmError ? errorJson(error) : super.toErrorJson(error);
  }

  /** oclif's errors for a command line that is wrong, as ours; it gives most of their classes no name outside. */
  private readParseError(thrown: Error): Error {
    if (!(thrown instanceof Errors.CLIError) || thrown instanceof Errors.ExitError) return thrown;
    const command = `${this.config.bin} ${(this.id ?? '').replaceAll(':', ' ')}`;
    if ('flags' in thrown && thrown.constructor.name === 'NonExistentFlagsError') {
      return unknownFlags(thrown.flags as string[], [...Object.keys(this.ctor.flags), 'json', 'help'], command);
    }
    return wrongUsage(thrown.message, command);
  }
}
