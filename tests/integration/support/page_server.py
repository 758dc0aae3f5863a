"""Serves one page under any host name, and logs the results that the page reports.

The page asks a node, http://127.0.0.1:PORT from ?node=, in every way that a browser has. Usage: page_server.py FOLDER
"""
import http.server
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])

PAGE = """<!doctype html><title>asks</title><script>
const node = new URLSearchParams(location.search).get('node');
const task = JSON.stringify({specialist: 'note', input: location.hostname});
const outcome = async promise => {
  try { const answer = await promise; return answer.type === 'opaque' ? 'opaque' : answer.status + ' ' + await answer.text(); }
  catch (error) { return 'refused'; }
};
const plain = {method: 'POST', mode: 'no-cors', headers: {'Content-Type': 'text/plain'}};
const stream = () => new Promise(done => {
  const events = new EventSource(node + '/v1/events?after=0');
  events.onopen = () => { events.close(); done('open'); };
  events.onerror = () => { events.close(); done('refused'); };
});
(async () => {
  const found = {};
  found.plain_task = await outcome(fetch(node + '/v1/tasks', {...plain, body: task}));
  found.plain_rollback = await outcome(fetch(node + '/v1/rollback', {...plain, body: '{"reason":"a page"}'}));
  found.plain_warm = await outcome(fetch(node + '/v1/specialists/other/warm', {method: 'POST', mode: 'no-cors'}));
  found.beacon = String(navigator.sendBeacon(node + '/v1/tasks', new Blob([task], {type: 'text/plain'})));
  found.status = await outcome(fetch(node + '/v1/specialists'));
  found.json_task = await outcome(fetch(node + '/v1/tasks', {method: 'POST',
    headers: {'Content-Type': 'application/json'}, body: task}));
  found.chat = await outcome(fetch(node + '/v1/chat/completions', {method: 'POST',
    headers: {'Content-Type': 'application/json', 'Authorization': 'Bearer x'},
    body: JSON.stringify({model: 'note', messages: [{role: 'user', content: location.hostname}]})}));
  found.events = await stream();
  await fetch('/done', {method: 'POST', body: JSON.stringify(found)});
})();
</script>
"""


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        found = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = self.headers["Host"].split(":")[0]
        fresh = folder / (name + ".part")
        fresh.write_text(json.dumps(found))
        fresh.rename(folder / (name + ".json"))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
(folder / "page_port.part").write_text(str(server.server_address[1]))
(folder / "page_port.part").rename(folder / "page_port")
server.serve_forever()
