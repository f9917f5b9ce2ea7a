"""The signed file on a web server that says which update a device gets."""

import hashlib
import json
import os
import subprocess
from urllib.parse import urljoin

from device import KEYRING, STATE, Refusal, is_older, last_line, write_synced
from download import fetch_small

MOST_BYTES = 1024 * 1024
SEEN = STATE + '/channel.json'


def read_channel(url):
    """What the channel says, after its signature was checked. Refusals: download-failed, channel-*."""
    text = verified(fetch_small(url, MOST_BYTES), url)
    try:
        channel = json.loads(text)
        updates = channel['updates']
        made = channel['at']
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal('channel-invalid', f'{url} is signed and holds no channel') from error
    if channel.get('format') != 1:
        raise Refusal('channel-invalid', f'{url} has the format {channel.get("format")}, which this program does not know')
    require_new(url, made)
    return updates


def verified(message, url):
    """
    The signed content. The signer was valid when it signed: a device without a clock takes what it says of that, as
    RAUC does for bundles.
    """
    done = subprocess.run(
        ['openssl', 'cms', '-verify', '-inform', 'DER', '-CAfile', KEYRING, '-purpose', 'smimesign', '-no_check_time'],
        input=message, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    if done.returncode != 0:
        why = last_line(done.stderr.decode(errors='replace'))
        raise Refusal('channel-signature', f'The signature of {url} is not one that {KEYRING} trusts ({why})')
    return done.stdout


def require_new(url, made):
    """Nobody can bring back a channel of last year, which was signed as well."""
    try:
        with open(SEEN, encoding='utf-8') as file:
            seen = json.load(file)
    except (FileNotFoundError, ValueError):
        seen = {}
    if seen.get('url') == url and made < seen.get('at', ''):
        raise Refusal('channel-old', f'{url} is of {made}, and this device has seen one of {seen["at"]}')
    if os.path.isdir(STATE):
        write_synced(SEEN, json.dumps({'url': url, 'at': made}))


def choose(updates, compatible, version, machine):
    """
    The update for this device, and why there is none: (update, None) or (None, reason). Reasons: other-board,
    up-to-date, below-minimum, not-in-share.
    """
    mine = [update for update in updates if update['compatible'] == compatible]
    if not mine:
        return None, 'other-board'
    update = mine[0]
    if version is not None and not is_older(version, update['version']):
        return None, 'up-to-date'
    minimum = update.get('minimum')
    if minimum and (version is None or is_older(version, minimum)):
        return None, 'below-minimum'
    if position(machine, update['version']) >= update.get('share', 100):
        return None, 'not-in-share'
    return update, None


def position(machine, version):
    """From 0 to 99: the same for a device and a version, and different for the next version."""
    return int(hashlib.sha256(f'{machine}:{version}'.encode()).hexdigest(), 16) % 100


def url_of(update, channel_url):
    return urljoin(channel_url, update['bundle'])
