"""Fetches a file over HTTP so that no byte which arrived is asked for again, whatever the network does."""

import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import urllib.error
import urllib.request

from device import BUNDLES, Refusal, pause, write_synced

CHUNK = 256 * 1024
TIMEOUT = 30
# Waits between attempts double, as long as nothing arrives.
FIRST_WAIT = 0.5
LONGEST_WAIT = 60
# So many attempts in a row without a byte: about an hour.
MOST_ATTEMPTS = 70
# A slot that is being written needs room beside the download for its journal and logs.
SPARE_BYTES = 32 * 1024 * 1024
# What a server says for good: asking again does not help.
FINAL_CODES = {400, 401, 403, 404, 405, 410, 451}


def place_of(url):
    """Where a URL is downloaded to: one place, so that the next attempt goes on there, after a restart too."""
    return f'{BUNDLES}/{hashlib.sha256(url.encode()).hexdigest()[:16]}.raucb'


def download(url, report=lambda done, total: None):
    """Gives the path of the whole file. Refusals: download-failed, no-space."""
    os.makedirs(BUNDLES, exist_ok=True)
    path = place_of(url)
    remove_others(path)
    attempts = 0
    while True:
        before = size_of(path + '.part')
        try:
            if fetch(url, path, report):
                os.rename(path + '.part', path)
                remove(path + '.json')
                return path
        except urllib.error.HTTPError as error:
            if error.code in FINAL_CODES:
                raise Refusal('download-failed', f'{url}: the server says {error.code} {error.reason}') from error
            problem = f'the server says {error.code}'
        except (OSError, http.client.HTTPException) as error:
            if getattr(error, 'errno', None) == 28:
                raise no_space(url) from error
            problem = str(error) or type(error).__name__
        else:
            problem = 'the connection was cut'
        attempts = 0 if size_of(path + '.part') > before else attempts + 1
        if attempts >= MOST_ATTEMPTS:
            raise Refusal('download-failed', f'{url}: {problem}', 'It goes on where it stopped when it is asked for again.')
        if attempts > 0:
            pause(min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempts - 1, 10)))


def fetch(url, path, report):
    """One request, for what is missing. True when the file is whole."""
    part = path + '.part'
    known = notes(path)
    have = size_of(part)
    if known.get('size') is not None and have == known['size']:
        return True
    headers = {'Accept-Encoding': 'identity'}
    if have > 0:
        headers['Range'] = f'bytes={have}-'
        if known.get('validator'):
            headers['If-Range'] = known['validator']
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT) as answer:
        start, size = extent_of(answer)
        validator = strong_validator(answer)
        if start != have or (have > 0 and validator != known.get('validator')):
            # Another file by now, or a server without ranges.
            have = start = 0
            remove(part)
            if answer.status == 206:
                return False
        if size is not None:
            require_room(url, size - have)
        write_synced(path + '.json', json.dumps({'url': url, 'size': size, 'validator': validator}))
        have = append(answer, part, have, size, report)
    return have == size if size is not None else True


def append(answer, part, have, size, report):
    with open(part, 'ab') as file:
        try:
            while True:
                data = answer.read1(CHUNK)
                if not data:
                    return have
                file.write(data)
                have += len(data)
                report(have, size)
        finally:
            file.flush()
            os.fsync(file.fileno())


def extent_of(answer):
    """Where the answer begins in the file, and the file's size; None where the server does not say it."""
    if answer.status == 206:
        match = re.fullmatch(r'bytes (\d+)-\d+/(\d+|\*)', answer.headers.get('Content-Range', ''))
        if match is None:
            raise OSError('the server gives a part and does not say which')
        return int(match[1]), None if match[2] == '*' else int(match[2])
    length = answer.headers.get('Content-Length')
    return 0, None if length is None else int(length)


def strong_validator(answer):
    """What tells that a file is still the same one."""
    tag = answer.headers.get('ETag')
    if tag and not tag.startswith('W/'):
        return tag
    return answer.headers.get('Last-Modified')


def require_room(url, needed):
    if shutil.disk_usage(BUNDLES).free < needed + SPARE_BYTES:
        raise no_space(url)


def no_space(url):
    return Refusal('no-space', f'/data has no room for {url}', 'Make room there, or install it with --stream.')


def fetch_small(url, most_bytes):
    """A small file, whole. Refusal download-failed."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url), timeout=TIMEOUT) as answer:
            data = answer.read(most_bytes + 1)
    except (OSError, http.client.HTTPException, socket.timeout) as error:
        raise Refusal('download-failed', f'{url}: {error}') from error
    if len(data) > most_bytes:
        raise Refusal('download-failed', f'{url} is larger than {most_bytes} bytes')
    return data


def notes(path):
    try:
        with open(path + '.json', encoding='utf-8') as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return {}


def remove_others(path):
    """Only one update is of interest: the rest of another one is in its way."""
    for name in os.listdir(BUNDLES):
        if not f'{BUNDLES}/{name}'.startswith(path):
            remove(f'{BUNDLES}/{name}')


def size_of(path):
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def remove(path):
    try:
        os.remove(path)
    except FileNotFoundError:
        pass
