import { Command } from '@oclif/core';
import { InterruptedError, ReswarmError, UserError } from '../errors.js';
import type { Host } from '../host/host.js';
import { readHostFacts } from '../host/read-facts.js';
import { RealHost } from '../host/real-host.js';
import type { Reporter } from '../pipeline/reporter.js';
import { JsonReporter } from '../ui/json-reporter.js';
import { PlainReporter } from '../ui/plain-reporter.js';
import { TerminalReporter } from '../ui/terminal-reporter.js';

/** What every command shares: the host, the reporter, how errors look and how Ctrl-C ends. */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;

  /** Commands that run for long print events as NDJSON with --json; the others one JSON document. */
  protected readonly streamsEvents: boolean = false;

  private readonly interrupt = new AbortController();
  private readonly onSignal = (signal: NodeJS.Signals): void => {
    // A second Ctrl-C means: now, whatever it leaves behind.
    if (this.interrupt.signal.aborted) process.exit(130);
    this.interrupt.abort(new InterruptedError(signal));
  };
  private terminal: TerminalReporter | undefined;
  private currentHost: Host | undefined;
  private currentReporter: Reporter | undefined;

  override async init(): Promise<void> {
    await super.init();
    process.on('SIGINT', this.onSignal);
    process.on('SIGTERM', this.onSignal);
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
    return new RealHost({ facts: readHostFacts(process.env), signal, environment: process.env, offline });
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
    process.off('SIGINT', this.onSignal);
    process.off('SIGTERM', this.onSignal);
    await this.closeReporter();
    await super.finally(error);
  }

  protected override async catch(thrown: Error & { exitCode?: number }): Promise<unknown> {
    await this.closeReporter();
    const error = this.interrupt.signal.aborted ? (this.interrupt.signal.reason as InterruptedError) : thrown;
    if (!(error instanceof ReswarmError)) return super.catch(error);
    process.exitCode = error.exitCode;
    if (this.jsonEnabled()) this.logJson(this.toErrorJson(error));
    else process.stderr.write(formatError(error));
    return undefined;
  }

  protected override toErrorJson(error: unknown): unknown {
    if (!(error instanceof ReswarmError)) return super.toErrorJson(error);
    return {
      error: {
        code: error.code,
        message: error.message,
        hints: error.hints,
        details: error.details,
        ...(error instanceof UserError ? { problems: error.problems } : {}),
      },
    };
  }
}

function formatError(error: ReswarmError): string {
  const lines = [
    `Error: ${error.message} [${error.code}]`,
    ...error.details.map((line) => `  ${line}`),
    ...error.hints.map((hint) => `Hint: ${hint}`),
  ];
  return `${lines.join('\n')}\n`;
}
