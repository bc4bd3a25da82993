<?php
class AegisMailerClient {
    private $apiKey;
    private $baseUrl;
    
    public function __construct($apiKey, $baseUrl = 'http://localhost:8000') {
        $this->apiKey = $apiKey;
        $this->baseUrl = rtrim($baseUrl, '/');
    }
    
    public function send($emailData) {
        return $this->makeRequest('POST', '/send', $emailData);
    }
    
    public function getStatus($messageId, $date = null) {
        $endpoint = "/send/{$messageId}/status";
        if ($date) {
            $endpoint .= "?date={$date}";
        }
        return $this->makeRequest('GET', $endpoint);
    }
    
    public function health() {
        return $this->makeRequest('GET', '/health');
    }
    
    private function makeRequest($method, $endpoint, $data = null) {
        $ch = curl_init();
        $url = $this->baseUrl . $endpoint;
        
        curl_setopt_array($ch, [
            CURLOPT_URL => $url,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_HTTPHEADER => [
                'Content-Type: application/json',
                'X-Api-Key: ' . $this->apiKey
            ]
        ]);
        
        if ($method === 'POST' && $data) {
            curl_setopt($ch, CURLOPT_POST, true);
            curl_setopt($ch, CURLOPT_POSTFIELDS, json_encode($data));
        }
        
        $response = curl_exec($ch);
        $httpCode = curl_getinfo($ch, CURLINFO_HTTP_CODE);
        curl_close($ch);
        
        $decoded = json_decode($response, true);
        
        return [
            'status_code' => $httpCode,
            'data' => $decoded,
            'success' => $httpCode >= 200 && $httpCode < 300
        ];
    }
}

// Usage
$mailer = new AegisMailerClient('your-api-key');

$result = $mailer->send([
    'to' => 'user@example.com',
    'subject' => 'Test Email',
    'body' => 'Hello from Aegis Mailer!',
    'isHtml' => false
]);

if ($result['success']) {
    $messageId = $result['data']['message_id'];
    echo "Email sent with ID: {$messageId}";
} else {
    echo "Error: " . $result['data']['error'];
}
?>
