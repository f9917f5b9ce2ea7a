/**
 * Compares two versions of Debian packages as dpkg does (deb-version(7)): epoch, upstream version, revision; "~" sorts
 * before everything, even before the end.
 *
 * @returns below zero where `a` is older
 */
export function compareDebianVersions(a: string, b: string): number {
  const [one, other] = [parts(a), parts(b)];
  return (
    one.epoch - other.epoch || comparePart(one.upstream, other.upstream) || comparePart(one.revision, other.revision)
  );
}

function parts(version: string): { readonly epoch: number; readonly upstream: string; readonly revision: string } {
  const { epoch = '0', rest = '' } = /^(?:(?<epoch>\d+):)?(?<rest>.*)$/s.exec(version.trim())?.groups ?? {};
  const dash = rest.lastIndexOf('-');
  return {
    epoch: Number(epoch),
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? '' : rest.slice(dash + 1),
  };
}

/** Turn by turn what is no digit, by its own order, and what is, by its number. */
function comparePart(a: string, b: string): number {
  let [one, other] = [a, b];
  while (one !== '' || other !== '') {
    const [left, right] = [/^\D*/.exec(one)?.[0] ?? '', /^\D*/.exec(other)?.[0] ?? ''];
    const byText = compareText(left, right);
    if (byText !== 0) return byText;
    [one, other] = [one.slice(left.length), other.slice(right.length)];
    const [digits, others] = [/^\d*/.exec(one)?.[0] ?? '', /^\d*/.exec(other)?.[0] ?? ''];
    const byNumber = compareNumbers(digits, others);
    if (byNumber !== 0) return byNumber;
    [one, other] = [one.slice(digits.length), other.slice(others.length)];
  }
  return 0;
}

function compareText(a: string, b: string): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = orderOf(a[at]) - orderOf(b[at]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function orderOf(character: string | undefined): number {
  if (character === undefined) return 0;
  if (character === '~') return -1;
  return /[A-Za-z]/.test(character) ? character.charCodeAt(0) : character.charCodeAt(0) + 256;
}

/** Of any length: dates with times are longer than a number keeps exactly. */
function compareNumbers(a: string, b: string): number {
  const [one, other] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  if (one.length !== other.length) return one.length - other.length;
  return one < other ? -1 : one > other ? 1 : 0;
}
