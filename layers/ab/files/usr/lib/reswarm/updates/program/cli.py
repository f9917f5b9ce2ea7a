"""The commands of reswarm-update."""

import argparse
import json
import os
import re
import sys
from datetime import datetime

import channel
import install
from device import SETTINGS, Refusal, facts, health, history, machine_id, rauc_status, reboot, run, shell_settings, version_of

APT_NOTE = 'Packages that apt installed are in this slot only; an update brings those of its image.'


def status(_):
    mine = facts()
    known = rauc_status()
    versions = {slot: version_of(slot, known) for slot in ('A', 'B')}
    lines = history()
    return {
        **mine,
        'version': versions[mine['slot']],
        'versions': versions,
        'machineId': machine_id(),
        'health': health(),
        'last': lines[-1] if lines else None,
        'channel': shell_settings(SETTINGS).get('CHANNEL') or None,
        'note': APT_NOTE,
    }


def describe_status(found):
    yield f'slot {found["slot"]} runs, version {found["version"] or "unknown"}' + (' (on trial)' if found['trial'] else '')
    other = 'B' if found['slot'] == 'A' else 'A'
    state = found['slots'][other]
    reason = f': {state["reason"]}' if state.get('reason') else ''
    yield f'slot {other}: {state["state"]}{reason}, version {found["versions"][other] or "unknown"}'
    if found['armed']:
        yield f'the next restart tries slot {found["armed"]}'
    if found['health']:
        bad = [f'{check["name"]} ({check["text"]})' for check in found['health']['checks'] if not check['ok']]
        yield f'health: {found["health"]["state"]}' + (f', {", ".join(bad)}' if bad else '')
    if found['last']:
        yield f'last: {describe_event(found["last"])}'
    if found['bootLoader'].get('measured') is False:
        yield 'nobody has measured yet how the boot loader of this model switches slots'
    yield found['note']


def describe_event(event):
    words = [event.get('at', ''), event.get('event', ''), event.get('version', ''), f'slot {event.get("slot", "?")}', event.get('outcome', '')]
    return ' '.join(word for word in words if word) + (f': {event["reason"]}' if event.get('reason') else '')


def do_install(options):
    done = install.install(options.source, stream=options.stream, force=options.force, say=install.to_stderr)
    return with_reboot(done, options.reboot)


def do_rollback(options):
    return with_reboot(install.rollback(), options.reboot)


def with_reboot(done, wanted):
    if wanted:
        reboot()
    return {**done, 'rebooting': wanted}


def describe_armed(done):
    what = f'version {done["version"]}' if done['version'] else 'the system'
    yield f'{what} is in slot {done["slot"]}; ' + ('restarting to try it' if done['rebooting'] else 'the next restart tries it')


def mark_good(_):
    mine = facts()
    run('rauc', 'status', 'mark-good')
    return {'slot': mine['slot'], 'wasTrial': mine['trial']}


def poll(options):
    """Looks into the channel once; installs what it says for this device."""
    settings = shell_settings(SETTINGS)
    url = options.channel or settings.get('CHANNEL')
    if not url:
        return {'outcome': 'no-channel'}
    when = settings.get('REBOOT', 'now')
    mine = facts()
    if mine['trial']:
        return {'outcome': 'on-trial'}
    if mine['armed']:
        # Installed before, and waiting for its hour.
        return {'outcome': 'waiting', 'slot': mine['armed'], **reboot_in_time(when)}
    version = version_of(mine['slot'])
    update, reason = channel.choose(channel.read_channel(url), mine['compatible'], version, machine_id())
    if update is None:
        return {'outcome': reason, 'version': version}
    failed = failed_before(update)
    if failed:
        return {'outcome': 'failed-before', 'version': update['version'], 'reason': failed}
    source = channel.url_of(update, url)
    done = install.install(source, sha256=update['sha256'], stream=options.stream, say=install.to_stderr)
    return {'outcome': 'installed', **done, **reboot_in_time(when)}


def failed_before(update):
    """A bundle whose trial failed here is not tried again: it is the same one."""
    for event in reversed(history()):
        if event.get('event') == 'updated' and event.get('bundleSha256') == update['sha256']:
            return event.get('reason', 'it failed') if event.get('outcome') in ('failed', 'turned-back') else None
    return None


def reboot_in_time(when):
    if is_time(when, datetime.now()):
        reboot()
        return {'rebooting': True}
    return {'rebooting': False}


def is_time(when, moment):
    """REBOOT of the settings: now, no, or the hours in which a restart does no harm, as in 02:00-04:30."""
    if when in ('now', 'no'):
        return when == 'now'
    hours = re.fullmatch(r'(\d\d:\d\d)-(\d\d:\d\d)', when)
    if hours is None:
        raise Refusal('setting-invalid', f'REBOOT={when} in {SETTINGS} is none of now, no and HH:MM-HH:MM')
    here = moment.strftime('%H:%M')
    start, end = hours[1], hours[2]
    return start <= here < end if start <= end else here >= start or here < end


def describe_poll(done):
    words = {
        'no-channel': f'no channel: CHANNEL=URL in {SETTINGS} names one',
        'on-trial': 'a trial is not decided yet',
        'waiting': 'an update waits for the restart',
        'other-board': 'the channel has nothing for this board',
        'up-to-date': 'up to date',
        'below-minimum': 'the update needs a newer version than this one first',
        'not-in-share': 'this device is not in the share that gets the update yet',
        'failed-before': 'this update failed here before and is not tried again',
        'installed': 'installed',
    }
    yield words[done['outcome']] + (f' (version {done["version"]})' if done.get('version') else '')


def describe_history(found):
    for event in found['history']:
        yield describe_event(event)


def parser():
    top = argparse.ArgumentParser(prog='reswarm-update', description='Updates of this device: what runs, what was installed, and how to go back.')
    commands = top.add_subparsers(dest='command', required=True, metavar='COMMAND')

    def add(name, text, work, describe):
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument('--json', action='store_true', help='print one JSON document')
        one.set_defaults(work=work, describe=describe)
        return one

    add('status', 'what runs in which slot, and what became of the last update', status, describe_status)
    one = add('install', 'install a bundle; the next restart tries it', do_install, describe_armed)
    one.add_argument('source', metavar='FILE|URL')
    one.add_argument('--stream', action='store_true', help='read a URL where it is, and only what changed, instead of downloading it')
    one.add_argument('--force', action='store_true', help='also an older version, or the one that runs')
    one.add_argument('--reboot', action='store_true', help='restart when it is installed')
    one = add('rollback', 'try the system in the other slot', do_rollback, describe_armed)
    one.add_argument('--reboot', action='store_true', help='restart now')
    add('mark-good', 'end a trial now: the running slot stays', mark_good, lambda done: [f'slot {done["slot"]} is good'])
    add('history', 'every update so far', lambda _: {'history': history()}, describe_history)
    one = add('poll', 'look into the channel once, and install what it says', poll, describe_poll)
    one.add_argument('--channel', metavar='URL', help=f'instead of CHANNEL of {SETTINGS}')
    one.add_argument('--stream', action='store_true', help='as for install')
    return top


def main(arguments):
    options = parser().parse_args(arguments)
    try:
        if os.geteuid() != 0:
            raise Refusal('not-root', 'only root can do that', f'sudo reswarm-update {options.command}')
        found = options.work(options)
    except Refusal as error:
        if options.json:
            print(json.dumps({'error': {'code': error.code, 'message': str(error), 'hint': error.hint}}))
        else:
            print(f'Error: {error} [{error.code}]', file=sys.stderr)
            if error.hint:
                print(f'Hint: {error.hint}', file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(found))
    else:
        for line in options.describe(found):
            print(line)
    return 0
