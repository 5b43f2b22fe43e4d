// What the service is asked about rooms; a fault has the service's own words.
export function createApi(service) {
  const ask = async (method, path, body) => {
    const answer = await fetch(service + path, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
    // Signed out meanwhile: the hub asks, and leads back.
    if (answer.status === 403 && method === "GET" && path === "rooms") location.reload();
    const told = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.error ?? "");
    return told;
  };
  return {
    get: (path) => ask("GET", path),
    post: (path, body) => ask("POST", path, body),
    patch: (path, body) => ask("PATCH", path, body),
    remove: (path) => ask("DELETE", path),
  };
}
