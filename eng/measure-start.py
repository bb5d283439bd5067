#!/usr/bin/env python3
"""Measures start and size of a built meshca: eng/measure-start.py PATH-TO-MESHCA. The figures of docs/performance.md."""
import json, os, shutil, signal, socket, statistics, subprocess, sys, tempfile, time, urllib.request

meshca = os.path.abspath(sys.argv[1])
rounds = 5


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def memory(process):
    with open(f"/proc/{process.pid}/status") as f:
        return {k: int(v.split()[0]) / 1024 for k, v in (line.split(":", 1) for line in f if line.startswith(("VmRSS", "Rss")))}


def stop(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0


def median_ms(times):
    return f"{1000 * statistics.median(times):.0f} ms ({1000 * min(times):.0f}-{1000 * max(times):.0f})"


folder = tempfile.mkdtemp(prefix="meshca-start-")
os.chmod(folder, 0o755)
try:
    # 1. dev: exec to "ready", a new folder each time.
    times = []
    for i in range(rounds):
        began = time.monotonic()
        dev = subprocess.Popen([meshca, "dev", "--dir", f"{folder}/dev{i}"], stdout=subprocess.PIPE, text=True)
        for line in dev.stdout:
            if line == "ready\n":
                break
        times.append(time.monotonic() - began)
        stop(dev)
    print("dev, start to ready:          ", median_ms(times))

    # 2. server run, to /readyz 200.
    port, management = free_port(), free_port()
    with open(f"{folder}/server.yaml", "w") as f:
        f.write(f"trustDomain: example.org\ndataDir: server\nlisten: 127.0.0.1:{port}\nmanagement: 127.0.0.1:{management}\n")
    began = time.monotonic()
    server = subprocess.Popen([meshca, "server", "run", "--config", f"{folder}/server.yaml"], stderr=subprocess.DEVNULL)
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{management}/readyz", timeout=1)
            break
        except OSError:
            time.sleep(0.005)
    print("server run, start to ready:   ", median_ms([time.monotonic() - began]))

    # 3. agent run, to a workload's first SVID. The client is a process of its own; what it needs alone is taken off.
    admin = ["--admin", f"unix:{folder}/server/admin.sock"]
    def run(*args):
        return subprocess.check_output([meshca, *args], text=True)
    open(f"{folder}/bundle.pem", "w").write(run("bundle", "show", *admin))
    open(f"{folder}/token", "w").write(json.loads(run("token", "create", "-o", "json", *admin))["token"])
    run("entry", "create", "--spiffe-id", "spiffe://example.org/me", "--selector", f"unix:uid:{os.getuid()}", *admin)
    with open(f"{folder}/agent.yaml", "w") as f:
        f.write(
            f"trustDomain: example.org\ndataDir: agent\nserver: 127.0.0.1:{port}\ntrustBundle: {{file: bundle.pem}}\n"
            "attestation: {joinToken: {tokenFile: token}}\nsocket: agent.sock\nmanagement: 127.0.0.1:0\n"
        )
    times = []
    for i in range(rounds):
        began = time.monotonic()
        agent = subprocess.Popen([meshca, "agent", "run", "--config", f"{folder}/agent.yaml"], stderr=subprocess.DEVNULL)
        while not os.path.exists(f"{folder}/agent.sock"):
            time.sleep(0.002)
        run("svid", "x509", "--socket", f"{folder}/agent.sock")
        first = time.monotonic()
        run("svid", "x509", "--socket", f"{folder}/agent.sock")
        times.append(2 * first - time.monotonic() - began)
        if i < rounds - 1:
            stop(agent)
    print("agent run, start to first SVID:", median_ms(times))

    # 4. Idle memory of both, ten seconds after the last work.
    time.sleep(10)
    for name, process in (("server", server), ("agent", agent)):
        m = memory(process)
        print(f"{name}, idle, resident:".ljust(31), f"{m['VmRSS']:.0f} MiB ({m['RssAnon']:.0f} own, {m['RssFile']:.0f} program files)")
    stop(agent)
    stop(server)
finally:
    shutil.rmtree(folder, ignore_errors=True)
