using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MeshCA.Configuration;

namespace MeshCA.Commands.Envoy;

/// <summary>
/// Writes the bootstrap. What each line is for is said in the file itself, since that is where people change it; the facts
/// were measured with Envoy 1.40.
/// </summary>
internal static class BootstrapYaml
{
    private const string Agent = "meshca_agent";
    private const string HttpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    private const string Tls = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";
    private const string Hcm = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

    /// <summary>Repeats nothing that the other side may have seen.</summary>
    private const string Retry = "{retry_on: \"connect-failure,refused-stream,reset-before-request\", num_retries: 3}";

    public static string Write(BootstrapOptions options)
    {
        var yaml = new StringBuilder();
        Line(yaml, $"# Written by meshca envoy bootstrap for {Quote(options.NodeId)}.");
        Line(yaml, $"node: {{id: {Quote(options.NodeId)}, cluster: {Quote(options.NodeCluster)}}}");
        if (options.AdminPort > 0)
        {
            Line(yaml, $"admin: {{address: {Address(new("127.0.0.1", options.AdminPort))}}}");
        }

        Line(
            yaml,
            $$"""
            overload_manager:
              resource_monitors:
              - name: envoy.resource_monitors.global_downstream_max_connections
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig
                  max_active_downstream_connections: {{Number(options.MaxConnections)}}
            static_resources:
              listeners:
            """
        );
        // The first use of an anchor defines it: the source of secrets is the same bytes everywhere, so that Envoy opens one
        // stream for each name and not one for each place that names it.
        var shared = new SharedParts(options);
        if (options.Ingress is { } ingress)
        {
            WriteIngress(yaml, options, ingress, shared);
        }

        if (options.Egress is { } egress)
        {
            WriteEgressListener(yaml, egress);
        }

        WriteAgentCluster(yaml, options);
        if (options.Ingress is { } local)
        {
            WriteAppCluster(yaml, local);
        }

        if (options.Egress is { } remote)
        {
            WritePeerCluster(yaml, options, remote, shared);
        }

        return yaml.ToString();
    }

    private static void WriteIngress(
        StringBuilder yaml,
        BootstrapOptions options,
        IngressOptions ingress,
        SharedParts shared
    )
    {
        Line(
            yaml,
            $$"""
              - name: ingress
                address: {{Address(ingress.Listen)}}
                filter_chains:
                - transport_socket:
                    name: envoy.transport_sockets.tls
                    typed_config:
                      "@type": {{Tls}}.DownstreamTlsContext
                      require_client_certificate: true
                      # A resumed session is not verified again, not even for expiry: both off, one alone leaves the other's way.
                      disable_stateless_session_resumption: true
                      disable_stateful_session_resumption: true
                      common_tls_context:
                        alpn_protocols: [h2, http/1.1]
                        tls_params: {{shared.TlsParams()}}
                        tls_certificate_sds_secret_configs:
                        - name: {{Quote(options.SvidName)}}
                          sds_config: {{shared.Source(16)}}
                        # The agent's matchers say who may connect. None here: Envoy would accept whom either list accepts.
                        validation_context_sds_secret_config: {name: "meshca:inbound", sds_config: {{shared.Source(
                0
            )}} }
                  filters:
                  - name: envoy.filters.network.http_connection_manager
                    typed_config:
                      "@type": type.googleapis.com/{{Hcm}}
                      stat_prefix: ingress
                      # Without these three, one path has many spellings and path rules are escaped.
                      normalize_path: true
                      merge_slashes: true
                      path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD
                      # The caller's identity, verified here, for the application; what the caller says of itself is dropped.
                      forward_client_cert_details: SANITIZE_SET
                      set_current_client_cert_details: {uri: true}
                      {{Durations(options)}}
                      route_config:
                        virtual_hosts:
                        - name: app
                          domains: ["*"]
                          routes:
                          - match: {prefix: "/"}
                            route:
                              cluster: app
                              timeout: 0s
                              retry_policy: {{Retry}}
                      http_filters:
                      - name: envoy.filters.http.router
                        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
            """
        );
    }

    private static void WriteEgressListener(StringBuilder yaml, EgressOptions egress)
    {
        Line(
            yaml,
            $$"""
              - name: egress
                address: {{Address(egress.Listen)}}
                filter_chains:
                - filters:
                  - name: envoy.filters.network.http_connection_manager
                    typed_config:
                      "@type": type.googleapis.com/{{Hcm}}
                      stat_prefix: egress
                      route_config:
                        virtual_hosts:
                        - name: peer
                          domains: ["*"]
                          routes:
                          - match: {prefix: "/"}
                            route:
                              cluster: peer
                              timeout: 0s
                              # What never reached the peer is sent again: a connection may reach its age at any moment.
                              retry_policy: {{Retry}}
                      http_filters:
                      - name: envoy.filters.http.router
                        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
            """
        );
    }

    private static void WriteAgentCluster(StringBuilder yaml, BootstrapOptions options)
    {
        Line(
            yaml,
            $$"""
              clusters:
              - name: {{Agent}}
                type: STATIC
                connect_timeout: 1s
                typed_extension_protocol_options:
                  {{HttpOptions}}:
                    "@type": type.googleapis.com/{{HttpOptions}}
                    # The keepalive finds an agent that is frozen, not dead; nothing else does.
                    explicit_http_config:
                      http2_protocol_options:
                        connection_keepalive: {interval: 10s, timeout: 5s}
            """
        );
        WriteEndpoint(yaml, Agent, $"{{pipe: {{path: {Quote(options.Socket)}}}}}");
    }

    private static void WriteAppCluster(StringBuilder yaml, IngressOptions ingress)
    {
        Line(
            yaml,
            $$"""
              - name: app
                type: {{Discovery(ingress.App)}}
                connect_timeout: 5s
            """
        );
        if (ingress.AppHttp2)
        {
            Line(
                yaml,
                $$"""
                  typed_extension_protocol_options:
                    {{HttpOptions}}:
                      "@type": type.googleapis.com/{{HttpOptions}}
                      explicit_http_config:
                        http2_protocol_options: {}
                """,
                indent: 2
            );
        }

        WriteEndpoint(yaml, "app", Address(ingress.App));
    }

    private static void WritePeerCluster(
        StringBuilder yaml,
        BootstrapOptions options,
        EgressOptions egress,
        SharedParts shared
    )
    {
        Line(
            yaml,
            $$"""
              - name: peer
                type: {{Discovery(egress.Peer)}}
                connect_timeout: 5s
                typed_extension_protocol_options:
                  {{HttpOptions}}:
                    "@type": type.googleapis.com/{{HttpOptions}}
                    explicit_http_config:
                      http2_protocol_options: {}
                    # Without it the pool keeps its connection, and with it an expired certificate, for ever.
                    {{Durations(options)}}
                transport_socket:
                  name: envoy.transport_sockets.tls
                  typed_config:
                    "@type": {{Tls}}.UpstreamTlsContext
                    max_session_keys: 0
                    common_tls_context:
                      tls_params: {{shared.TlsParams()}}
                      tls_certificate_sds_secret_configs:
                      - name: {{Quote(options.SvidName)}}
                        sds_config: {{shared.Source(14)}}
                      combined_validation_context:
                        default_validation_context:
                          match_typed_subject_alt_names:
                          - san_type: URI
                            matcher: {exact: {{Quote(egress.PeerId.ToString())}} }
                        validation_context_sds_secret_config: {name: {{egress.BundleName}}, sds_config: {{shared.Source(
                0
            )}} }
            """
        );
        WriteEndpoint(yaml, "peer", Address(egress.Peer));
    }

    private static void WriteEndpoint(StringBuilder yaml, string cluster, string address) =>
        Line(
            yaml,
            $$"""
                load_assignment:
                  cluster_name: {{cluster}}
                  endpoints:
                  - lb_endpoints:
                    - endpoint:
                        address: {{address}}
            """
        );

    private static string Durations(BootstrapOptions options) =>
        options.MaxStreamDuration == TimeSpan.Zero
            ? $"common_http_protocol_options: {{max_connection_duration: {Seconds(options.MaxConnectionDuration)}}}"
            : $"common_http_protocol_options: {{max_connection_duration: {Seconds(options.MaxConnectionDuration)}, max_stream_duration: {Seconds(options.MaxStreamDuration)}}}";

    private static string Discovery(HostPort endpoint) => endpoint.IsAddress ? "STATIC" : "STRICT_DNS";

    private static string Address(HostPort endpoint) =>
        $"{{socket_address: {{address: {Quote(endpoint.Host)}, port_value: {Number(endpoint.Port)}}}}}";

    /// <summary>A double-quoted YAML scalar is a JSON string: nothing that a user names can end it.</summary>
    private static string Quote(string text) =>
        $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>As protobuf's JSON form wants it: seconds, with fractions.</summary>
    private static string Seconds(TimeSpan duration) =>
        duration.TotalSeconds.ToString("0.#######", CultureInfo.InvariantCulture) + "s";

    private static void Line(StringBuilder yaml, string text, int indent = 0)
    {
        foreach (var line in text.Split('\n'))
        {
            yaml.Append(' ', line.Length > 0 ? indent : 0).Append(line).Append('\n');
        }
    }

    /// <summary>Parts that are the same wherever they are used: written out at the first use, referred to afterwards.</summary>
    private sealed class SharedParts(BootstrapOptions options)
    {
        private bool _hasSource;
        private bool _hasTlsParams;

        /// <summary>As a client Envoy's own maximum is TLS 1.2.</summary>
        public string TlsParams()
        {
            var first = !_hasTlsParams;
            _hasTlsParams = true;
            return first
                ? "&tls13 {tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3}"
                : "*tls13";
        }

        public string Source(int column)
        {
            if (_hasSource)
            {
                return "*meshca";
            }

            _hasSource = true;
            return string.Join(
                "\n" + new string(' ', column),
                "&meshca",
                "resource_api_version: V3",
                "# Wait for ever: a port that opens without a certificate is worse than one that does not.",
                "initial_fetch_timeout: 0s",
                "api_config_source:",
                $"  api_type: {(options.IsDelta ? "DELTA_GRPC" : "GRPC")}",
                "  transport_api_version: V3",
                "  # Else every acknowledgement carries the node again, over 60 kB.",
                "  set_node_on_first_message_only: true",
                "  grpc_services:",
                "  - envoy_grpc:",
                $"      cluster_name: {Agent}",
                "      authority: localhost",
                "      # Without it, up to 28 s pass before Envoy asks a restarted agent again.",
                "      retry_policy: {retry_back_off: {base_interval: 0.1s, max_interval: 1s}}"
            );
        }
    }
}
