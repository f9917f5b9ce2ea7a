"""What this device is and has: its slots, its version, its settings, its history."""

import json
import os
import subprocess
import time
from datetime import datetime, timezone

PROGRAMS = '/usr/lib/reswarm/updates'
STATE = '/data/reswarm/updates'
BUNDLES = STATE + '/bundles'
HISTORY = STATE + '/history.ndjson'
INSTALLING = STATE + '/installing.json'
HEALTH = '/run/reswarm/health.json'
SETTINGS = '/etc/reswarm/updates.conf'
KEYRING = '/etc/rauc/keyring.pem'


class Refusal(Exception):
    """What the user can do something about; `code` is stable."""

    def __init__(self, code, message, hint=None):
        super().__init__(message)
        self.code = code
        self.hint = hint


def run(*command, check=True):
    """Runs a program and gives what it printed. A program that fails is a Refusal `program-failed`."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if check and done.returncode != 0:
        raise Refusal('program-failed', f'{command[0]} failed: {last_line(done.stderr or done.stdout)}')
    return done


def last_line(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else 'it said nothing'


def facts():
    """Slots and boot loader, as the program `facts` tells them."""
    return json.loads(run(f'{PROGRAMS}/facts').stdout)


def gate():
    """Throws a Refusal with the gate's own code where no update may be installed now."""
    done = run(f'{PROGRAMS}/gate', check=False)
    if done.returncode == 0:
        return
    code, _, text = last_line(done.stdout).partition(' ')
    raise Refusal(code, text or 'an update cannot be installed now')


def rauc_status():
    """By bootname: what RAUC remembers of each root slot. Empty where it does not answer."""
    done = run('rauc', 'status', '--detailed', '--output-format=json', check=False)
    if done.returncode != 0:
        return {}
    slots = {}
    for entry in json.loads(done.stdout).get('slots', []):
        for slot in entry.values():
            if slot.get('bootname'):
                slots[slot['bootname']] = slot
    return slots


def version_of(slot, known=None):
    """Version of the system in a slot: that of the bundle, or the image's own for the running one. None: unknown."""
    known = rauc_status() if known is None else known
    bundle = known.get(slot, {}).get('slot_status', {}).get('bundle', {})
    if bundle.get('version'):
        return bundle['version']
    return os_release().get('IMAGE_VERSION') if slot == facts()['slot'] else None


def os_release():
    return shell_settings('/usr/lib/os-release')


def shell_settings(path):
    """KEY=VALUE lines of a file; an empty table where there is none."""
    try:
        with open(path, encoding='utf-8') as file:
            pairs = [line.strip().split('=', 1) for line in file if '=' in line and not line.lstrip().startswith('#')]
    except FileNotFoundError:
        return {}
    return {key.strip(): value.strip().strip('"\'') for key, value in pairs}


def machine_id():
    with open('/etc/machine-id', encoding='ascii') as file:
        return file.read().strip()


def now():
    return datetime.now(timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')


def write_synced(path, text):
    """The old content or the new one is on the disk, never half of it."""
    with open(path + '.new', 'w', encoding='utf-8') as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + '.new', path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remember(event, **fields):
    """Adds a line to the history; fields without a value are left out."""
    line = {'event': event, 'at': now(), **{key: value for key, value in fields.items() if value is not None}}
    with open(HISTORY, 'a', encoding='utf-8') as file:
        file.write(json.dumps(line, separators=(',', ':'), ensure_ascii=False) + '\n')
        file.flush()
        os.fsync(file.fileno())


def history():
    """Every line that can be read, oldest first; a line that a power cut has torn is passed over."""
    lines = []
    try:
        with open(HISTORY, encoding='utf-8', errors='replace') as file:
            for line in file:
                try:
                    lines.append(json.loads(line))
                except ValueError:
                    continue
    except FileNotFoundError:
        pass
    return lines


def health():
    try:
        with open(HEALTH, encoding='utf-8') as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return None


def is_older(version, than):
    """As dpkg compares versions."""
    return run('dpkg', '--compare-versions', version, 'lt', than, check=False).returncode == 0


def reboot():
    """The next start is the trial, whoever asks for it; the kernel hands the flag to the firmware."""
    run('systemctl', '--no-block', 'reboot')


def pause(seconds):
    time.sleep(seconds)
