/** How PyYAML's SafeLoader reads a plain scalar, and how its safe_dump writes the result down again. */
export type PlainScalar =
  | {
      readonly kind: 'text' | 'null' | 'bool' | 'int' | 'float' | 'date';
      readonly value: string | null | boolean | number | Date;
      /** What stands in the file that cloud-init makes of it for netplan: 0123 has become 83. */
      readonly deviceText: string;
    }
  /** PyYAML fails, and the whole document is lost. */
  | { readonly kind: 'fault'; readonly reason: string };

// The expressions of yaml/resolver.py of PyYAML 6, and what yaml/constructor.py makes of what they match.
const BOOL = /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/;
const NULL = /^(?:~|null|Null|NULL|)$/;
const INT =
  /^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/;
const FLOAT =
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const DATE = /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)$/;
const TIME =
  /^(?<year>\d{4})-(?<month>\d\d?)-(?<day>\d\d?)(?:[Tt]|[ \t]+)(?<hour>\d\d?):(?<minute>\d\d):(?<second>\d\d)(?:\.(?<fraction>\d*))?(?:[ \t]*(?:(?<utc>Z)|(?<sign>[-+])(?<zoneHour>\d\d?)(?::(?<zoneMinute>\d\d))?))?$/;

/** YAML 1.1 as Python reads it: 0644 is octal, 12:34 is 754, `y` is text, `=` is an error. */
export function readPlainScalar(text: string): PlainScalar {
  if (BOOL.test(text)) {
    const value = /^(?:yes|true|on)$/i.test(text);
    return { kind: 'bool', value, deviceText: value.toString() };
  }
  if (FLOAT.test(text)) return float(text);
  if (INT.test(text)) return int(text);
  if (NULL.test(text)) return { kind: 'null', value: null, deviceText: 'null' };
  if (text === '=' || text === '<<') return { kind: 'fault', reason: `a lone "${text}" has a meaning of its own` };
  const date = (DATE.exec(text) ?? TIME.exec(text))?.groups;
  return date === undefined ? { kind: 'text', value: text, deviceText: text } : moment(text, date);
}

function int(text: string): PlainScalar {
  const digits = text.replaceAll('_', '').replace(/^[-+]/, '');
  if (digits === '0b' || digits === '0x') return { kind: 'fault', reason: `"${text}" is a number without digits` };
  const size = /^0[0-7]+$/.test(digits)
    ? BigInt(`0o${digits.slice(1)}`)
    : digits.split(':').reduce((sum, part) => sum * 60n + BigInt(part), 0n);
  const value = text.startsWith('-') ? -size : size;
  return { kind: 'int', value: Number(value), deviceText: value.toString() };
}

function float(text: string): PlainScalar {
  const digits = text.replaceAll('_', '').toLowerCase().replace(/^[-+]/, '');
  const sign = text.startsWith('-') ? -1 : 1;
  const size =
    digits === '.inf'
      ? Infinity
      : digits === '.nan'
        ? NaN
        : digits.split(':').reduce((sum, part) => sum * 60 + Number(part === '.' ? 0 : part), 0);
  return { kind: 'float', value: sign * size, deviceText: floatText(sign * size) };
}

/** Python writes an exponent below 1e-4 and from 1e16 on; YAML wants a point in front of it. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value < 0 ? '-.inf' : '.inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power < -4 || power >= 16) {
    const sign = power < 0 ? '-' : '+';
    return `${withPoint(mantissa)}e${sign}${Math.abs(power).toString().padStart(2, '0')}`;
  }
  return withPoint(power < 0 ? value.toFixed(Math.max(0, (mantissa.split('.')[1] ?? '').length - power)) : `${value}`);
}

function withPoint(digits: string): string {
  return digits.includes('.') ? digits : `${digits}.0`;
}

function moment(text: string, fields: Readonly<Record<string, string | undefined>>): PlainScalar {
  const of = (name: string): number => Number(fields[name] ?? 0);
  const day = new Date(0);
  day.setUTCFullYear(of('year'), of('month') - 1, of('day'));
  const isDay = of('year') > 0 && day.getUTCMonth() === of('month') - 1 && day.getUTCDate() === of('day');
  if (!isDay) return { kind: 'fault', reason: `"${text}" is a date that does not exist` };
  const date = day.toISOString().slice(0, 10);
  if (fields['hour'] === undefined) return { kind: 'date', value: day, deviceText: date };
  const offsetMinutes = of('zoneHour') * 60 + of('zoneMinute');
  if (of('hour') > 23 || of('minute') > 59 || of('second') > 59 || offsetMinutes >= 24 * 60) {
    return { kind: 'fault', reason: `"${text}" is a time that does not exist` };
  }
  const micros = (fields['fraction'] ?? '').slice(0, 6).padEnd(6, '0');
  const clock = [of('hour'), of('minute'), of('second')].map(twoDigits).join(':');
  const zone = zoneText(fields, offsetMinutes);
  const value = new Date(`${date}T${clock}.${micros.slice(0, 3)}${zone === '' ? 'Z' : zone}`);
  return { kind: 'date', value, deviceText: `${date} ${clock}${micros === '000000' ? '' : `.${micros}`}${zone}` };
}

function zoneText({ utc, sign }: Readonly<Record<string, string | undefined>>, offsetMinutes: number): string {
  if (utc === undefined && sign === undefined) return '';
  const shown = sign === '-' && offsetMinutes > 0 ? '-' : '+';
  return `${shown}${twoDigits(Math.floor(offsetMinutes / 60))}:${twoDigits(offsetMinutes % 60)}`;
}

function twoDigits(value: number): string {
  return value.toString().padStart(2, '0');
}
