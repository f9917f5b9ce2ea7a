import type { ReportEvent, Reporter } from '../pipeline/reporter.js';

/** NDJSON: one JSON object a line, each with the time it happened. The command's result comes last, as `{"type":"result",…}`. */
export class JsonReporter implements Reporter {
  constructor(private readonly write: (line: string) => void) {}

  emit(event: ReportEvent): void {
    this.write(JSON.stringify({ time: new Date().toISOString(), ...event }));
  }
}
