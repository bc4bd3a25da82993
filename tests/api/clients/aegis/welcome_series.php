<?php
class WelcomeEmailSeries {
    private $apiKey;
    private $baseUrl;
    
    public function __construct($apiKey, $baseUrl) {
        $this->apiKey = $apiKey;
        $this->baseUrl = $baseUrl;
    }
    
    public function sendWelcomeEmail($user) {
        $emailData = [
            'to' => $user['email'],
            'toName' => $user['name'],
            'subject' => 'Welcome to Our Platform!',
            'body' => $this->getWelcomeTemplate($user),
            'isHtml' => true,
            'priority' => 2 // High priority
        ];
        
        return $this->sendEmail($emailData);
    }
    
    public function sendEmail($data) {
        $ch = curl_init();
        curl_setopt_array($ch, [
            CURLOPT_URL => $this->baseUrl . '/send',
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_POST => true,
            CURLOPT_HTTPHEADER => [
                'Content-Type: application/json',
                'X-Api-Key: ' . $this->apiKey
            ],
            CURLOPT_POSTFIELDS => json_encode($data)
        ]);
        
        $response = curl_exec($ch);
        $httpCode = curl_getinfo($ch, CURLINFO_HTTP_CODE);
        curl_close($ch);
        
        if ($httpCode === 202) {
            return json_decode($response, true);
        }
        
        throw new Exception("Email send failed: $response");
    }
    
    private function getWelcomeTemplate($user) {
        return "
            <html>
            <body style='font-family: Arial, sans-serif;'>
                <h1>Welcome {$user['name']}!</h1>
                <p>We're excited to have you on board.</p>
                <a href='https://yourapp.com/getting-started' 
                   style='background: #007cba; color: white; padding: 10px 20px; 
                          text-decoration: none; border-radius: 5px;'>
                    Get Started
                </a>
            </body>
            </html>
        ";
    }
}
