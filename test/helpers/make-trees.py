"""Trees from what a property test draws, and layers put over them. The folder /mnt holds the drawing and the results.

make: below/ and above/ as tree.json says. apply: the extracted layer over below/. compare: whether that is above/.
"""
import json, os, shutil, stat, sys

CAPABILITY = bytes.fromhex('0100000200200000000000000000000000000000')


def make(root, tree):
    os.mkdir(root)
    for path, node in sorted(tree['nodes'].items()):
        full = os.path.join(root, path)
        if node['kind'] == 'folder':
            os.mkdir(full)
        elif node['kind'] == 'link':
            os.symlink(node['content'], full)
        else:
            with open(full, 'w') as file:
                file.write(node['content'])
    for first, second in tree['links']:
        os.unlink(os.path.join(root, second))
        os.link(os.path.join(root, first), os.path.join(root, second))
    for path, node in sorted(tree['nodes'].items(), reverse=True):
        full = os.path.join(root, path)
        os.lchown(full, node['owner'], node['owner'])
        if node['kind'] == 'link':
            continue
        os.chmod(full, node['mode'])
        if node['kind'] == 'file' and node.get('capability'):
            os.setxattr(full, 'security.capability', CAPABILITY)
    os.chmod(root, tree['mode'])


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def settle(source, target):
    status = os.lstat(source)
    os.lchown(target, status.st_uid, status.st_gid)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(target, stat.S_IMODE(status.st_mode))
        for name in os.listxattr(target):
            os.removexattr(target, name)
        for name in os.listxattr(source):
            os.setxattr(target, name, os.getxattr(source, name))


def apply(layer, root):
    """As an overlay shows it: whiteouts hide, folders are merged, everything else replaces. Links stay links."""
    written = {}
    for folder, folders, files in os.walk(layer):
        for name in sorted(folders + files):
            source = os.path.join(folder, name)
            target = os.path.join(root, os.path.relpath(source, layer))
            status = os.lstat(source)
            if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
                assert os.path.lexists(target), f'nothing to hide at {target}'
                remove(target)
            elif stat.S_ISDIR(status.st_mode):
                if os.path.islink(target) or not os.path.isdir(target):
                    remove(target)
                    os.mkdir(target)
            else:
                remove(target)
                if stat.S_ISLNK(status.st_mode):
                    os.symlink(os.readlink(source), target)
                elif status.st_ino in written:
                    os.link(written[status.st_ino], target)
                else:
                    shutil.copyfile(source, target)
                    written[status.st_ino] = target
    for folder, folders, files in os.walk(layer, topdown=False):
        for name in folders + files:
            source = os.path.join(folder, name)
            if not stat.S_ISCHR(os.lstat(source).st_mode):
                settle(source, os.path.join(root, os.path.relpath(source, layer)))
    settle(layer, root)


def listing(root):
    found, inodes = {}, {}
    for folder, folders, files in os.walk(root):
        for name in sorted(folders + files) + (['.'] if folder == root else []):
            full = os.path.join(folder, name)
            path = os.path.relpath(full, root)
            status = os.lstat(full)
            content = None
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(full)
            elif stat.S_ISREG(status.st_mode):
                content = open(full).read()
                inodes.setdefault(status.st_ino, []).append(path)
            xattrs = [] if stat.S_ISLNK(status.st_mode) else sorted((one, os.getxattr(full, one).hex()) for one in os.listxattr(full))
            found[path] = [stat.filemode(status.st_mode), status.st_uid, status.st_gid, content, xattrs]
    return {'found': found, 'links': sorted(sorted(group) for group in inodes.values() if len(group) > 1)}


os.chdir('/mnt')
if sys.argv[1] == 'make':
    drawing = json.load(open('tree.json'))
    make('below', drawing['below'])
    make('above', drawing['above'])
else:
    apply('layer', 'below')
    made, wanted = listing('below'), listing('above')
    print(json.dumps({'made': made, 'wanted': wanted}))
