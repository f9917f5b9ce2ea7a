"""Installs a bundle into the slot that does not run."""

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager

from device import INSTALLING, Refusal, facts, gate, is_older, last_line, rauc_status, remember, run, version_of, write_synced
from download import download, remove

LOCK = '/run/reswarm-update.lock'


@contextmanager
def alone():
    """One installation at a time. Refusal busy."""
    with open(LOCK, 'w', encoding='ascii') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refusal('busy', 'another update is being installed') from error
        yield


def install(source, *, stream=False, force=False, sha256=None, say=lambda text: None):
    """
    Downloads, checks and installs; the next restart is the trial. Gives what was done. Refusals: those of `gate` and
    `download`, bundle-signature, wrong-board, same-version, older-version, no-failed-again, install-failed, digest-other.
    """
    with alone():
        gate()
        is_url = re.match(r'https?://', source) is not None
        path = source
        if is_url and not stream:
            path = download(source, progress(say))
        elif not is_url and not os.path.isfile(source):
            raise Refusal('bundle-not-found', f'{source} is no file on this device')
        try:
            digest = sha256 if path == source and is_url else file_digest(path)
            if sha256 is not None and digest != sha256:
                raise Refusal('digest-other', f'{source} is not the bundle that the channel names')
            update = info(path)
            check(update, force)
            done = write(path, update, digest, say)
        finally:
            if path != source:
                remove(path)
        return done


def info(path):
    """What the bundle says of itself, after RAUC checked its signature. Refusal bundle-signature."""
    done = run('rauc', 'info', '--output-format=json', path, check=False)
    if done.returncode != 0:
        raise Refusal('bundle-signature', f'{path} is not a bundle that this device trusts: {last_line(done.stderr)}')
    return json.loads(done.stdout)


def check(update, force):
    mine = facts()
    compatible, version = update['compatible'], update.get('version', '')
    if compatible != mine['compatible']:
        raise Refusal('wrong-board', f'the update is for {compatible}, and this device is {mine["compatible"]}')
    current = version_of(mine['slot'])
    if current is None or not version or force:
        return
    if version == current:
        raise Refusal('same-version', f'version {version} runs already', 'Install it again with --force.')
    if is_older(version, current):
        raise Refusal('older-version', f'the update has version {version}, and {current} runs', 'Go back with "rollback", or with --force.')


def write(path, update, digest, say):
    version = update.get('version')
    target = 'B' if facts()['slot'] == 'A' else 'A'
    write_synced(INSTALLING, json.dumps({'version': version, 'bundleSha256': digest}, separators=(',', ':')))
    say(f'installing version {version} into slot {target}')
    problem = run_rauc(path, say)
    outcome = 'good' if problem is None else 'failed'
    remember('installed', version=version, slot=target, outcome=outcome, reason=problem, bundleSha256=digest)
    if problem is not None:
        remove(INSTALLING)
        raise Refusal('install-failed', f'version {version} could not be written to slot {target}: {problem}', 'The running system is as it was.')
    return {'version': version, 'slot': target, 'bundleSha256': digest}


def run_rauc(path, say):
    """None, or why RAUC failed."""
    process = subprocess.Popen(['rauc', 'install', path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines, shown = [], None
    for line in process.stdout:
        lines.append(line)
        percent = re.match(r'\s*(\d+)% (.*)', line)
        if percent and percent[1] != shown:
            shown = percent[1]
            say(f'{percent[1]} % {percent[2].strip()}')
    if process.wait() == 0:
        return None
    error = [line.split('LastError:', 1)[1].strip() for line in lines if 'LastError:' in line]
    return error[-1] if error else last_line(''.join(lines))


def rollback():
    """Arms a trial of the other slot. Refusals: on-trial and other codes of `gate`, no-other-system."""
    with alone():
        gate()
        mine = facts()
        other = 'B' if mine['slot'] == 'A' else 'A'
        state = mine['slots'][other]
        if state['state'] != 'good':
            raise Refusal('no-other-system', f'slot {other} cannot be started: {state.get("reason", state["state"])}')
        version = version_of(other, rauc_status())
        write_synced(INSTALLING, json.dumps({'version': version} if version else {}, separators=(',', ':')))
        run('rauc', 'status', 'mark-active', 'other')
        return {'slot': other, 'version': version}


def file_digest(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while data := file.read(1024 * 1024):
            digest.update(data)
    return digest.hexdigest()


def progress(say):
    """Says every tenth of a download."""
    last = [-1]

    def report(done, total):
        tenth = -1 if not total else done * 10 // total
        if tenth != last[0]:
            last[0] = tenth
            say(f'downloaded {done} of {total} bytes' if total else f'downloaded {done} bytes')

    return report


def to_stderr(text):
    print(text, file=sys.stderr, flush=True)
