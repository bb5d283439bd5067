namespace MeshCA.EndToEndTests.Parts;

/// <summary>Two Envoys of two identities that call each other: <c>web</c> on state of the world, <c>shop</c> on delta.</summary>
internal sealed class EnvoyPair : IAsyncDisposable
{
    public const int WebUid = 31001;
    public const int ShopUid = 31002;

    private static readonly TimeSpan _liveTimeout = TimeSpan.FromSeconds(30);

    private EnvoyPair(App webApp, App shopApp, Envoy web, Envoy shop) =>
        (WebApp, ShopApp, Web, Shop) = (webApp, shopApp, web, shop);

    public App WebApp { get; }

    public App ShopApp { get; }

    public Envoy Web { get; }

    public Envoy Shop { get; }

    public static async Task<EnvoyPair> StartAsync(
        string agentSocket,
        TestDirectory dir,
        bool live,
        CancellationToken ct,
        string webPeerId = "spiffe://example.org/shop"
    )
    {
        var webApp = await App.StartAsync("web", ct);
        var shopApp = await App.StartAsync("shop", ct);
        var webPlan = new EnvoyPlan("web", WebUid, "sotw") { AppPort = webApp.Port, PeerId = webPeerId };
        var shopPlan = new EnvoyPlan("shop", ShopUid, "delta")
        {
            AppPort = shopApp.Port,
            PeerPort = webPlan.IngressPort,
            PeerId = "spiffe://example.org/web",
        };
        webPlan = webPlan with { PeerPort = shopPlan.IngressPort };
        var pair = new EnvoyPair(
            webApp,
            shopApp,
            await Envoy.StartAsync(webPlan, agentSocket, dir, ct),
            await Envoy.StartAsync(shopPlan, agentSocket, dir, ct)
        );
        if (live)
        {
            await pair.LiveAsync(ct);
        }

        return pair;
    }

    public async Task LiveAsync(CancellationToken ct)
    {
        await Web.LiveAsync(_liveTimeout, ct);
        await Shop.LiveAsync(_liveTimeout, ct);
    }

    public async ValueTask DisposeAsync()
    {
        await Web.DisposeAsync();
        await Shop.DisposeAsync();
        await WebApp.DisposeAsync();
        await ShopApp.DisposeAsync();
    }
}
